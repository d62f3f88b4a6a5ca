#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: build_host_info
short_description: What a host has of all that makes it a build host
version_added: 0.1.0
description:
  - Asks for disk, control groups, packages, engine, plugins of Docker's client, Git, the docker SDK and files in one call.
  - Nothing of it has to be there, and nothing is changed.
author:
  - The imagefleet.dify maintainers (@imagefleet)
options:
  data_root:
    description: The folder in which the engine has its data, or will have them.
    type: path
    default: /var/lib/docker
  packages:
    description: Names of packages to ask dpkg for.
    type: list
    elements: str
    default: []
  files:
    description: Files to look for.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    support: full
    description: It only looks.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: imagefleet.dify.build_host_upkeep
  - module: imagefleet.dify.binfmt_info
  - module: imagefleet.dify.buildx_builder_info
"""

EXAMPLES = r"""
- name: Look at a host
  imagefleet.dify.build_host_info:
    packages: [docker.io, docker-ce]
  register: host

- name: Show its engine
  ansible.builtin.debug:
    msg: "{{ host.engine.version if host.engine else 'There is none.' }}"
"""

RETURN = r"""
disk:
  description: The file system that O(data_root) is on, or will be.
  returned: success
  type: dict
  contains:
    path:
      description: The folder, or the one above it that is there.
      type: str
      sample: /var/lib
    total:
      description: Bytes of the file system.
      type: int
      sample: 105089261568
    free:
      description: Bytes that can be written to it.
      type: int
      sample: 64370454528
control_groups:
  description: Whether control groups are mounted, which containers need.
  returned: success
  type: bool
  sample: true
packages:
  description: What dpkg calls the state of each of O(packages); null for one that it does not know.
  returned: success
  type: dict
  sample: {docker.io: installed, docker-ce: null}
files:
  description: Whether each of O(files) is there, and is a file.
  returned: success
  type: dict
  sample: {/etc/docker/daemon.json: true}
engine:
  description: The engine that is installed; null where there is none.
  returned: success
  type: dict
  contains:
    path:
      description: Its daemon.
      type: str
      sample: /usr/sbin/dockerd
    version:
      description: Its version; null where it does not tell.
      type: str
      sample: 28.5.2
    problem:
      description: What it said in place of its version; else null.
      type: str
      sample: null
    running:
      description: Whether such a daemon runs.
      type: bool
      sample: true
daemon_config:
  description: The file with the engine's settings; null where there is none.
  returned: success
  type: str
  sample: /etc/docker/daemon.json
plugins:
  description: The plugins of Docker's client that builds and deployments take.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: buildx
    problem:
      description: Why it does not work; null where it does.
      type: str
      sample: null
docker_sdk:
  description: Whether the Python that modules run on can use the docker SDK.
  returned: success
  type: bool
  sample: true
git:
  description: The path of Git; null where it is not installed.
  returned: success
  type: str
  sample: /usr/bin/git
"""

import os
import shutil
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.build_host import BuildHost, docker_sdk_works

SPEC = ArgumentSpec(
    options={
        "data_root": {"type": "path", "default": "/var/lib/docker"},
        "packages": {"type": "list", "elements": "str", "default": []},
        "files": {"type": "list", "elements": "path", "default": []},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read and describe."""
    host = BuildHost(module.run_command)
    engine = host.engine()
    return {
        "changed": False,
        "disk": asdict(host.disk(module.params["data_root"])),
        "control_groups": host.control_groups(),
        "packages": host.packages(module.params["packages"]),
        "files": {path: os.path.isfile(path) for path in module.params["files"]},
        "engine": asdict(engine) if engine else None,
        "daemon_config": host.daemon_config(),
        "plugins": [asdict(plugin) for plugin in host.plugins()],
        "docker_sdk": docker_sdk_works(),
        "git": shutil.which("git"),
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
