#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_restore
short_description: A backup of a deployment of Dify is put back
version_added: 0.1.0
description:
  - Puts databases and folders of data back as a backup has them, and makes the backup's release the active one. What was written
    since is not in them. Folders that were there are set aside below the data folder.
  - The databases must run, and nothing else that writes. The backup is checked before anything is touched.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Says which backup would be put back.
  diff_mode:
    support: none
    description: What is put back is in what it returns.
options:
  project:
    description: Name of the Compose project.
    type: str
    required: true
  name:
    description: Name of the backup. By default the newest one of another release than the active one's state of the database.
    type: str
  acknowledge:
    description:
      - C(external-database), where the backup is of a deployment whose database is your own. Its content is not in the backup, so
        put your own backup of it back first, and say so.
      - Other names mean nothing here.
    type: list
    elements: str
    default: []
seealso:
  - module: imagefleet.dify.deployment_backup
"""

EXAMPLES = r"""
- name: Put a backup back
  imagefleet.dify.deployment_restore:
    dir: "{{ deployment }}"
    project: dify
    name: "{{ made.backup.name }}"
"""

RETURN = r"""
backup:
  description: The backup, as M(imagefleet.dify.deployment_backup) returns it.
  type: dict
  returned: success
aside:
  description: The folder below the data folder that has what was there.
  type: str
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup import BackupStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup_plan import BackupRecord, plan_backup
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.external import is_database
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import RESTORING, restoring
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore, State
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.upgrade_gate import EXTERNAL_DATABASE

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "name": {"type": "str"},
        "acknowledge": {"type": "list", "elements": "str", "default": []},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    store = ReleaseStore(params["dir"])
    state = store.state()
    deployed = Deployed(Cli(module.run_command, "docker"), params["project"])
    backups = BackupStore(store, deployed)
    record = _find(params["name"], backups.list_backups(), store, state)
    backups.check(record)
    if is_database(record.external) and EXTERNAL_DATABASE.name not in params["acknowledge"]:
        raise CollectionError(
            f"The backup {record.name} is without the database, which is your own ({', '.join(record.external)} are external). "
            "Nothing was restored. With the services that write stopped, put back what you have of it from before "
            f"{record.created}; then say so by acknowledge: [{EXTERNAL_DATABASE.name}]."
        )
    aside = f".before-{record.name}"
    if not module.check_mode:
        backups.bring_release(record)
        of_data = _release_of_data(record, state)
        data = os.path.realpath(store.data_dir(of_data))
        databases = plan_backup(deployed.containers(), data, (), ()).databases
        missing = sorted(set(record.databases) - {database.folder for database in databases})
        if missing:
            raise CollectionError(
                f"The backup {record.name} has the database of {', '.join(missing)}, and none runs on it. Start it first."
            )
        store.write_state(restoring(state, of_data, record.name))
        backups.restore(record, databases, data)
        store.write_state(_restored(record))
    return {"changed": True, "backup": record.as_json(), "aside": aside}


def _release_of_data(record: BackupRecord, state: State) -> str:
    """A release that has the backup's data: its own, or the one that took them over.

    :raises CollectionError: there is none.
    """
    found = record.release or (state.pending or {}).get("release") or state.active
    if not found:
        raise CollectionError(
            f"The backup {record.name} is of data that no release had yet, and none has them now, so nobody knows where they "
            "belong. Deploy first, with deployment_adopt, then put it back."
        )
    return found


def _restored(record: BackupRecord) -> State:
    """A backup from before the first release leaves none active."""
    return State(record.release, None, {"release": record.release, "phase": "starting"}) if record.release else State()


def _find(name: str | None, records: list[BackupRecord], store: ReleaseStore, state: State) -> BackupRecord:
    pending = state.pending or {}
    if pending.get("phase") == RESTORING and name in (None, pending["backup"]):
        # What a run that ended has begun.
        found = [record for record in records if record.name == pending["backup"]]
    elif name:
        found = [record for record in records if record.name == name]
    else:
        under_way = store.find_release(pending.get("release"))
        active = store.find_release(state.active)
        newest = under_way or active
        found = [record for record in records if newest is None or record.schema != newest.schema]
    if not found:
        known = ", ".join(record.name for record in records) or "none"
        wanted = f"backup {name}" if name else "backup of another state of the database"
        msg = f"There is no {wanted} in {store.folder}/backups (there are: {known})."
        raise CollectionError(msg) if name else MissingPrerequisite(msg, task="the backup playbook")
    return found[-1]


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
