#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_info
short_description: The releases of a deployment of Dify
version_added: 0.1.0
description:
  - Reads which releases a host has on record, which one is active, and whether a change of release is under way.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Reads only, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing.
seealso:
  - module: imagefleet.dify.deployment_release
"""

EXAMPLES = r"""
- name: Read what runs
  imagefleet.dify.deployment_info:
    dir: "{{ deployment }}"
  register: deployed

- name: Say which images these are
  ansible.builtin.debug:
    msg: "{{ deployed.active.images if deployed.active else 'nothing' }}"
"""

RETURN = r"""
state:
  description: C(active), C(previous) and C(pending), as M(imagefleet.dify.deployment_state) returns them.
  type: dict
  returned: success
active:
  description: The release that runs, as M(imagefleet.dify.deployment_release) returns it; null when there is none.
  type: dict
  returned: success
previous:
  description: The release before it; null when there is none, or its folder is gone.
  type: dict
  returned: success
releases:
  description: All releases on record, the oldest first.
  type: list
  elements: dict
  returned: success
writers:
  description: The services that write to the data, or serve people, of the active release; without one, of the newest.
  type: list
  elements: str
  returned: success
migrating:
  description: Whether a migration of the database has begun that no release has ended yet.
  type: bool
  returned: success
same_schema:
  description: Whether the active release and the one before it need the same state of the database.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import writers_in
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import is_migrating
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC


def run(module: AnsibleModule) -> dict[str, Any]:
    store = ReleaseStore(module.params["dir"])
    state = store.state()
    active, previous = store.find_release(state.active), store.find_release(state.previous)
    releases = store.list_releases()
    newest = active or (releases[-1] if releases else None)
    return {
        "changed": False,
        "state": state.as_json(),
        "active": active.as_json() if active else None,
        "previous": previous.as_json() if previous else None,
        "releases": [release.as_json() for release in releases],
        "writers": writers_in(newest.images if newest else ()),
        "migrating": is_migrating(state),
        "same_schema": bool(active and previous and active.schema == previous.schema),
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **DEPLOYMENT_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
