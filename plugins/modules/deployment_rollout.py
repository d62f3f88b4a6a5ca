#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_rollout
short_description: Services of a deployment of Dify are replaced without a request that fails
version_added: 0.1.0
description:
  - Where a container of a service is not as the active release has it, a second one is started beside it. Once that is healthy,
    nginx is pointed at it, the old one finishes its requests and goes.
  - A new container that does not become healthy is removed, and the old one goes on.
  - Services that do not run are left to C(docker compose up).
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Says which services would be replaced.
  diff_mode:
    support: none
    description: The containers are in what it returns.
options:
  project:
    description: Name of the Compose project.
    type: str
    required: true
  services:
    description: The services, in the order in which they are replaced. Only what nginx stands before is worth it.
    type: list
    elements: str
    default: [api, web]
  wait_timeout:
    description: Seconds that a new container may take to become healthy.
    type: int
    default: 600
  grace:
    description: Seconds that an old container has to finish its requests.
    type: int
    default: 60
seealso:
  - module: imagefleet.dify.deployment_state
"""

EXAMPLES = r"""
- name: Replace what changed, behind nginx
  imagefleet.dify.deployment_rollout:
    dir: "{{ deployment }}"
    project: dify
"""

RETURN = r"""
replaced:
  description: What was replaced, or would be.
  type: list
  elements: dict
  returned: success
  contains:
    service:
      description: The service.
      type: str
    old:
      description: The containers that went.
      type: list
      elements: str
    new:
      description: Those in their place; empty in check mode.
      type: list
      elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import ComposeClient
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.rollout import Rollout, plan_rollout
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "services": {"type": "list", "elements": "str", "default": ["api", "web"]},
        "wait_timeout": {"type": "int", "default": 600},
        "grace": {"type": "int", "default": 60},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    store = ReleaseStore(params["dir"])
    if store.active_project() is None:
        raise MissingPrerequisite(f"{params['dir']} has no release that Compose sees.", task="deployment_state")
    docker = Cli(module.run_command, "docker")
    compose, deployed = ComposeClient(docker, params["project"]), Deployed(docker, params["project"])
    running = {service: deployed.of_service(service) for service in params["services"]}
    counts = {service: len(found) for service, found in running.items() if found}
    outdated = compose.find_outdated(store.project, counts) if counts else []
    plan = plan_rollout(params["services"], running, outdated)
    replaced = []
    rollout = Rollout(compose, deployed, store.project, params["wait_timeout"], params["grace"])
    for replacement in plan:
        new = [] if module.check_mode else rollout.replace(replacement)
        replaced.append({"service": replacement.service, "old": list(replacement.old), "new": new})
    settles = rollout.is_pointed()
    if settles and not module.check_mode:
        rollout.settle()
    return {"changed": bool(plan) or settles, "replaced": replaced}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
