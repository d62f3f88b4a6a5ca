#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_preflight
short_description: Whether a host can run a deployment of Dify
version_added: 0.1.0
description:
  - Looks at engine, Compose, memory, disk, ports and registries of a host before anything is changed on it, and fails with
    everything that stands in the way.
  - Whether images are for the host's platform, M(imagefleet.dify.deployment_release) tells.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Reads only, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  project:
    description: Name of the Compose project. Ports that its own containers have are not taken by others.
    type: str
    required: true
  folders:
    description: Folders that need room.
    type: list
    elements: path
    default: []
  data_dir:
    description: Folder of the services' data. Containers of other projects that use it stand in the way.
    type: path
  ports:
    description: Ports of the host that are to be listened on.
    type: list
    elements: int
    default: []
  min_disk:
    description: Gigabytes that each of the folders must have free.
    type: float
    default: 10
  min_memory:
    description: Gigabytes of memory that the host must have.
    type: float
    default: 2
  images:
    description:
      - References whose registries must answer, take the login and be known to the engine. Whether the images are there is not
        asked.
    type: list
    elements: str
    default: []
  min_engine:
    description: The oldest version of Docker Engine that will do.
    type: str
    default: "20.10"
  min_compose:
    description: The oldest version of Compose that will do. Releases from 1.15 on have environment files that may be missing.
    type: str
    default: "2.24.0"
seealso:
  - module: imagefleet.dify.deployment_release
"""

EXAMPLES = r"""
- name: Look at the host
  imagefleet.dify.deployment_preflight:
    project: dify
    folders: [/opt/dify]
    ports: [8080]
    images: [localhost:5000/dify/dify-api:1.15.90]
    min_disk: 1
"""

RETURN = r"""
engine:
  description: Version of the engine.
  type: str
  returned: success
compose:
  description: Version of Compose.
  type: str
  returned: success
memory:
  description: Bytes of memory.
  type: int
  returned: success
free:
  description: Free bytes by folder.
  type: dict
  returned: success
writers:
  description: Containers of others that use the data, with their Compose project. Empty where it succeeds.
  type: dict
  returned: success
problems:
  description: What stands in the way.
  type: list
  elements: str
  returned: failure
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.host_facts import read_host
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preflight import Requirements, find_problems
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.registry_checks import (
    read_engine_registries,
    unanswered,
    unknown_to_engine,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "folders": {"type": "list", "elements": "path", "default": []},
        "data_dir": {"type": "path"},
        "ports": {"type": "list", "elements": "int", "default": []},
        "min_disk": {"type": "float", "default": 10},
        "min_memory": {"type": "float", "default": 2},
        "images": {"type": "list", "elements": "str", "default": []},
        "min_engine": {"type": "str", "default": "20.10"},
        "min_compose": {"type": "str", "default": "2.24.0"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    docker = Cli(module.run_command, "docker")
    client = registry_client(params)
    images = [parse_reference(text) for text in params["images"]]
    facts = read_host(docker, params["project"], params["folders"], params["ports"], params["data_dir"])
    wanted = Requirements(params["min_engine"], params["min_compose"], params["min_memory"], params["min_disk"])
    problems = find_problems(facts, wanted)
    if facts.engine is None or facts.compose is None:
        raise MissingPrerequisite(" ".join(problems), task="the provision playbook", problems=problems)
    problems += unknown_to_engine(client, [image.registry for image in images], read_engine_registries(docker))
    silent = unanswered(client, images)
    if len(silent) == 1 and not problems:
        raise silent[0]
    problems += [error.msg for error in silent]
    if problems:
        raise CollectionError("This host cannot run the deployment. " + " ".join(problems), problems=problems)
    return {"changed": False, **asdict(facts)}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
