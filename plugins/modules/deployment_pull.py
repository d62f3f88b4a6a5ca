#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_pull
short_description: Images of a deployment are in the host's engine
version_added: 0.1.0
description:
  - Brings images that are pinned to digests. What the engine has is not asked for again, so that no registry is needed for it.
  - What it has for another platform than its own does not count, and is brought. An image for other platforms alone is refused.
  - A login of O(registries) is used for this one task. It is in a folder that goes with the task, and the user's own
    configuration is left as it is.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Says which images would be brought.
  diff_mode:
    support: none
    description: What is brought is in what it returns.
options:
  images:
    description: References with their digests, C(registry/repository@digest).
    type: list
    elements: str
    required: true
seealso:
  - module: imagefleet.dify.deployment_release
"""

EXAMPLES = r"""
- name: Bring the images of a release
  imagefleet.dify.deployment_pull:
    images: ["localhost:5000/dify/dify-api@{{ prepared.release.images.api.digest }}"]
    registries:
      - host: registry.example.com
        username: ci
        password: "{{ vault_registry_password }}"
"""

RETURN = r"""
pulled:
  description: Those that were brought.
  type: list
  elements: str
  returned: success
reasons:
  description: Why each of them was, in the same order.
  type: list
  elements: str
  returned: success
  sample:
    - registry.example.com/dify/dify-api@sha256:… is in the engine for linux/arm64 alone, and the engine runs linux/amd64
"""

from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.image_pull import (
    foreign,
    is_for,
    pull_reason,
    refused,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.login import login_environment
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference, parse_pinned
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

#: Platforms, as the engine tells its own and an image's.
_SERVER = "{{.Server.Os}}/{{.Server.Arch}}"
_IMAGE = "{{.Os}}/{{.Architecture}}"

SPEC = ArgumentSpec(options={"images": {"type": "list", "elements": "str", "required": True}})


def run(module: AnsibleModule) -> dict[str, Any]:
    images = parse_pinned(module.params["images"], "Only what is pinned is brought.")
    settings = registry_client(module.params).settings
    docker = Cli(module.run_command, "docker")
    engine = docker.run("version", "--format", _SERVER).stdout.strip()
    reasons = {text: pull_reason(text, _find_platform(docker, text), engine) for text in images}
    missing = {text: why for text, why in reasons.items() if why}
    if missing and not module.check_mode:
        with task_workspace(module.tmpdir, "deployment-pull") as folder:
            login = login_environment(settings, module.params["docker_config"], folder)
            for text in missing:
                _pull(docker, images[text], login, engine)
    return {"changed": bool(missing), "pulled": list(missing), "reasons": list(missing.values())}


def _find_platform(docker: Cli, text: str) -> str | None:
    """The platform that the engine has an image for: its own, when it has several. None when it does not have it."""
    done = docker.run("image", "inspect", "--format", _IMAGE, text, check=False)
    return done.stdout.strip() if done.rc == 0 else None


def _pull(docker: Cli, reference: Reference, login: Mapping[str, str], engine: str) -> None:
    done = docker.run("pull", "--quiet", str(reference), environment=login, check=False)
    if done.rc != 0:
        raise refused(reference, done.last_lines(3))
    found = _find_platform(docker, str(reference))
    if found and not is_for(found, engine):
        raise foreign(reference, found, engine)


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
