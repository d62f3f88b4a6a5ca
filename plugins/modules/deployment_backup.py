#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_backup
short_description: A backup of a deployment of Dify is made
version_added: 0.1.0
description:
  - Copies what a deployment cannot do without into a folder below C(backups). Each database of each PostgreSQL that runs, the
    plugin daemon's too. The folders of data, such as the application's storage with the tenants' private keys, plugins and vector
    stores. The environment with its secrets, and the release.
  - Databases are copied as they are at one moment. Vector stores rest while their folder is copied. For a backup in which nothing
    is missing that was written meanwhile, stop the services of the program first, as the role does before an upgrade.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Says what would be copied.
  diff_mode:
    support: none
    description: What is copied is in what it returns.
options:
  project:
    description: Name of the Compose project.
    type: str
    required: true
  keep:
    description: How many backups stay. The oldest go once the new one is there.
    type: int
    default: 3
  before_release:
    description:
      - Name of a release that is prepared where none is active yet, such as one that takes a deployment over. The data that it
        will have are copied. To put this backup back leaves no release active.
    type: str
seealso:
  - module: imagefleet.dify.deployment_restore
"""

EXAMPLES = r"""
- name: Make a backup
  imagefleet.dify.deployment_backup:
    dir: "{{ deployment }}"
    project: dify
"""

RETURN = r"""
backup:
  description: What was made; in check mode without C(name), C(created) and C(files).
  type: dict
  returned: success
  contains:
    name:
      description: Name of the backup.
      type: str
    release:
      description: The release that was active; empty when there was none.
      type: str
    schema:
      description: The state of its database.
      type: str
    created:
      description: When it began.
      type: str
    databases:
      description: Names of databases by the folder of their server.
      type: dict
    folders:
      description: Folders of the data folder.
      type: list
      elements: str
    files:
      description: SHA-256 by file.
      type: dict
    external:
      description: Services of the user's own, whose data are not in it.
      type: list
      elements: str
removed:
  description: Names of backups that were removed.
  type: list
  elements: str
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup import BackupStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup_plan import (
    plan_backup,
    removable_backups,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import WRITERS
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "keep": {"type": "int", "default": 3},
        "before_release": {"type": "str"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    store = ReleaseStore(params["dir"])
    active = store.find_release(store.state().active)
    release = active or store.find_release(params["before_release"])
    if release is None:
        raise MissingPrerequisite(f"{params['dir']} has no active release.", task="the deploy playbook")
    data = os.path.realpath(store.data_dir(release.id))
    deployed = Deployed(Cli(module.run_command, "docker"), params["project"])
    folders = [name for name in os.listdir(data) if os.path.isdir(os.path.join(data, name))]
    plan = plan_backup(deployed.containers(), data, folders, WRITERS)
    backups = BackupStore(store, deployed)
    before = backups.list_backups()
    if module.check_mode:
        planned = {"release": active.id if active else "", "folders": list(plan.folders)}
        planned["schema"] = active.schema if active else ""
        planned["external"] = sorted(release.external)
        planned["databases"] = {database.folder: [] for database in plan.databases}
        return {"changed": True, "backup": planned, "removed": removable_backups(before, params["keep"] - 1)}
    made = backups.make(active, plan, data, release.external)
    removed = removable_backups([*before, made], params["keep"])
    for name in removed:
        backups.remove(name)
    return {"changed": True, "backup": made.as_json(), "removed": removed}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
