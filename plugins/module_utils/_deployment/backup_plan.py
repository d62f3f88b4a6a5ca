# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup of a deployment has, and what is on record of one. Pure."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.database_server import (
    Database,
    kind_of,
    owner,
)

#: Services whose folders need no backup: queues and caches, and what the release itself brings.
WITHOUT_DATA = ("redis", "nginx", "certbot", "ssrf_proxy", "sandbox", "agent_ssrf_proxy", "local_sandbox")


@dataclass(frozen=True)
class BackupPlan:
    """What is copied.

    :param folders: below the data folder.
    :param stores: containers that write into these folders and are none of the program's: they rest meanwhile.
    """

    databases: tuple[Database, ...]
    folders: tuple[str, ...]
    stores: tuple[str, ...]


@dataclass(frozen=True)
class BackupRecord:
    """A backup that was made.

    :param name: of its folder.
    :param release: that was active; empty when there was none.
    :param schema: of the database; empty when it is not known.
    :param created: when it began, in UTC.
    :param databases: by folder of a server its databases' names.
    :param folders: of the data folder.
    :param files: SHA-256 by path, of everything in it.
    :param external: services of the user's own, whose data are not in it.
    """

    name: str
    release: str
    schema: str
    created: str
    databases: Mapping[str, Sequence[str]]
    folders: Sequence[str]
    files: Mapping[str, str]
    external: Sequence[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_record(text: str, path: str) -> BackupRecord:
    """A record from its file.

    :raises CollectionError: it is damaged.
    """
    try:
        document = {"external": [], **json.loads(text)}
        return BackupRecord(**{each.name: document[each.name] for each in fields(BackupRecord)})
    except (ValueError, KeyError, TypeError) as error:
        raise CollectionError(f"{path} cannot be read ({error}): the backup is damaged. Use another one.") from error


def plan_backup(
    containers: Sequence[Mapping[str, Any]], data: str, folders: Iterable[str], program: Sequence[str]
) -> BackupPlan:
    """What has to be copied of what runs.

    :param containers: of the deployment, as ``docker inspect`` has them.
    :param data: the data folder.
    :param folders: what is in it.
    :param program: services of the program: they are to rest already, or nothing that they add is lost by copying it later.
    :raises CollectionError: a database does not run.
    """
    databases, stores, left_out = [], [], set()
    for container in containers:
        service = _service(container)
        mounts = {
            mount["Destination"]: mount["Source"]
            for mount in container.get("Mounts") or ()
            if mount.get("Type") == "bind"
        }
        own = {folder for source in mounts.values() for folder in [_top(source, data)] if folder}
        kind = next((kind for kind in map(kind_of, mounts) if kind), None)
        if kind:
            if not container["State"]["Running"]:
                raise CollectionError(
                    f"The database {service} does not run, so its content cannot be read. Start it first."
                )
            folder = next(iter(own), service)
            databases.append(
                Database(folder, container["Name"].lstrip("/"), owner(kind, _environment(container)), kind)
            )
            left_out |= own
        elif service in WITHOUT_DATA:
            left_out |= own
        elif own and service not in program and container["State"]["Running"]:
            stores.append(container["Name"].lstrip("/"))
    return BackupPlan(
        tuple(sorted(databases, key=lambda found: found.folder)),
        tuple(sorted(folder for folder in set(folders) - left_out if not folder.startswith("."))),
        tuple(sorted(stores)),
    )


def removable_backups(records: Sequence[BackupRecord], keep: int) -> list[str]:
    """Names of the backups that can go: all but the newest ``keep``."""
    ordered = sorted(records, key=lambda record: record.created)
    return [record.name for record in ordered[: max(0, len(ordered) - keep)]]


def _service(container: Mapping[str, Any]) -> str:
    return str((container["Config"].get("Labels") or {}).get("com.docker.compose.service", ""))


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in container["Config"].get("Env") or ())


def _top(source: str, data: str) -> str | None:
    """The folder right below the data folder that a path is in."""
    relative = os.path.relpath(os.path.realpath(source), os.path.realpath(data))
    return None if relative.startswith("..") or relative == "." else relative.split(os.sep)[0]
