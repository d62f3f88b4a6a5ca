#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_services
short_description: Services of a deployment stay up
version_added: 0.1.0
description:
  - Waits until every service of a deployment has been up for a while. One that ends again and again is up in between, and without
    a health check of its own Compose takes it for one that runs.
  - A container that has ended well and is not to be started again is done, and is as it should be.
author:
  - The imagefleet.dify maintainers (@imagefleet)
attributes:
  check_mode:
    support: full
    description: Looks once, and does not fail.
  diff_mode:
    support: N/A
    description: Nothing changes.
extends_documentation_fragment:
  - imagefleet.dify.deployments
options:
  project:
    description: Name of the Compose project.
    type: str
    required: true
  steady:
    description: How many seconds a service must have been up.
    type: int
    default: 5
  timeout:
    description: How many seconds to wait for that.
    type: int
    default: 60
seealso:
  - module: imagefleet.dify.deployment_verify
"""

EXAMPLES = r"""
- name: Wait until services stay up
  imagefleet.dify.deployment_services:
    dir: "{{ deployment }}"
    project: dify
"""

RETURN = r"""
unsteady:
  description: What does not stay up, in words. Empty where it succeeds, but for check mode.
  type: list
  elements: str
  returned: always
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment import without_secrets
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import effective_values
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.steadiness import Unsteady, find_unsteady

_LAST_LINES = 5

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "steady": {"type": "int", "default": 5},
        "timeout": {"type": "int", "default": 60},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    project, steady, timeout = (module.params[name] for name in ("project", "steady", "timeout"))
    if not 0 <= steady <= timeout <= 86400:
        raise CollectionError(
            f"steady is {steady} and timeout is {timeout}: let steady be 0 or more, and timeout no less, and 86400 at most."
        )
    store = ReleaseStore(module.params["dir"])
    deployed = Deployed(Cli(module.run_command, "docker"), project)
    end = time.monotonic() + timeout
    unsteady = _look(deployed, steady)
    while unsteady and not module.check_mode and time.monotonic() < end:
        time.sleep(1)
        unsteady = _look(deployed, steady)
    if unsteady and not module.check_mode:
        said = "".join(f"\n{each.name}: {deployed.last_log(each.name, _LAST_LINES)}" for each in unsteady)
        messages = "; ".join(each.message for each in unsteady)
        values = effective_values(store.project) if store.active_project() else {}
        raise CollectionError(
            f"{project} does not stay up: {messages}.{without_secrets(said, values)}",
            unsteady=[each.message for each in unsteady],
        )
    return {"changed": False, "unsteady": [each.message for each in unsteady]}


def _look(deployed: Deployed, steady: int) -> list[Unsteady]:
    return find_unsteady(deployed.containers(), utc_now(), steady)


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
