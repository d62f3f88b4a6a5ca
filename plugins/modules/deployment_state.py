#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_state
short_description: Where a deployment of Dify stands in a change of release
version_added: 0.1.0
description:
  - Records the phase that a change of release has come to, so that a run which ends in between is taken up by the next one.
  - From O(phase=migrating) on the C(docker) folder of the deployment points at the release, and what the source brings for the
    data folder is copied where nothing is. Folders of data are given to the user that the release's images run as. With
    O(phase=active) the change is over.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Says what would be recorded.
  diff_mode:
    support: full
    description: Shows the state before and after.
options:
  release:
    description: Name of a release that M(imagefleet.dify.deployment_release) prepared.
    type: str
    required: true
  phase:
    description: What it has come to.
    type: str
    choices: [stopped, migrating, starting, active]
    required: true
  keep_releases:
    description: With O(phase=active), how many releases stay besides the active one and the one before it.
    type: int
    default: 5
seealso:
  - module: imagefleet.dify.deployment_release
  - module: imagefleet.dify.deployment_info
"""

EXAMPLES = r"""
- name: Let Compose see the release
  imagefleet.dify.deployment_state:
    dir: "{{ deployment }}"
    release: "{{ prepared.release.id }}"
    phase: starting

- name: Start it
  community.docker.docker_compose_v2:
    project_src: "{{ deployment }}/docker"
    project_name: dify
    files: [docker-compose.yaml, docker-compose.imagefleet.yaml]
    pull: missing
    wait: true

- name: Say that it runs
  imagefleet.dify.deployment_state:
    dir: "{{ deployment }}"
    release: "{{ prepared.release.id }}"
    phase: active
"""

RETURN = r"""
state:
  description: The state afterwards.
  type: dict
  returned: success
  contains:
    active:
      description: The release that runs.
      type: str
    previous:
      description: The release before it.
      type: str
    pending:
      description: C(release) and C(phase) of a change that is under way; null when none is.
      type: dict
seeded:
  description: Files below the data folder that the source brought.
  type: list
  elements: str
  returned: success
owners:
  description: Folders below the data folder that were given to the user of the image that writes them, with its number.
  type: dict
  returned: success
removed:
  description: Releases whose folders were removed.
  type: list
  elements: str
  returned: success
removed_images:
  description: By such a release, the references of its images of ours.
  type: dict
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import (
    PHASES,
    SEEN,
    plan_phase,
    removable,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC

SPEC = ArgumentSpec(
    options={
        "release": {"type": "str", "required": True},
        "phase": {"type": "str", "choices": list(PHASES), "required": True},
        "keep_releases": {"type": "int", "default": 5},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    release, phase = module.params["release"], module.params["phase"]
    store = ReleaseStore(module.params["dir"])
    wanted = store.find_release(release)
    if wanted is None:
        raise MissingPrerequisite(
            f"There is no release {release} in {store.releases}. Prepare it first, or correct the name.",
            task="deployment_release",
        )
    before = store.state()
    active = store.find_release(before.active)
    known = store.list_releases()
    same_schema = {found.id for found in known if active and found.schema == active.schema}
    after = plan_phase(before, release, phase, same_schema)
    switches = phase in SEEN and store.active_project() != release
    to_seed = store.missing_data(release) if switches else []
    owners = store.wrong_owners(wanted) if phase in SEEN else {}
    names = [found.id for found in known]
    removed = removable(names, after, module.params["keep_releases"]) if phase == "active" else []
    if not module.check_mode:
        if before != after:
            store.write_state(after)
        if switches:
            store.seed_data(release, to_seed)
            store.activate(release)
        store.set_owners(wanted, owners)
        for name in removed:
            store.remove_release(name)
    return {
        "changed": before != after or switches or bool(removed) or bool(owners),
        "state": after.as_json(),
        "seeded": to_seed,
        "owners": owners,
        "removed": removed,
        "removed_images": {found.id: _ours(found) for found in known if found.id in removed},
        "diff": {"before": before.as_json(), "after": after.as_json()},
    }


def _ours(release: Release) -> list[str]:
    return sorted({image["wanted"] for image in release.images.values() if "component" in image})


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
