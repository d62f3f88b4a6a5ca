# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a deployment: made, checked, and put back.

A backup is a folder ``backups/NAME`` of the deployment: each database as ``pg_dump`` or ``mysqldump`` writes it, each folder of
data as an archive, the environment and the release. It appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from typing import Callable, Iterable, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import rfc3339, utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup_plan import (
    BackupPlan,
    BackupRecord,
    read_record,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.database_server import (
    DATA,
    Database,
    dump_command,
    list_command,
    load_commands,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import (
    ADOPTED,
    SECRETS,
    ReleaseStore,
)

RECORD = "backup.json"
_CHUNK = 1024 * 1024


class BackupStore:
    """The backups of one deployment."""

    def __init__(self, store: ReleaseStore, deployed: Deployed) -> None:
        self.store, self.deployed = store, deployed
        self.folder = os.path.join(store.folder, "backups")

    def list_backups(self) -> list[BackupRecord]:
        """All of them, the oldest first.

        :raises CollectionError: a record is damaged.
        """
        if not os.path.isdir(self.folder):
            return []
        found = []
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name, RECORD)
            if not name.startswith(".") and os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    found.append(read_record(file.read(), path))
        return sorted(found, key=lambda record: record.created)

    def make(self, release: Release | None, plan: BackupPlan, data: str, external: Iterable[str] = ()) -> BackupRecord:
        """Make one, and say what is in it.

        :param release: that is active.
        :param external: services of the user's own, whose data are not in it.

        Databases first, then folders: a file that the program adds meanwhile is in the folder and not in the database.

        :raises CollectionError: something cannot be read. No backup is left then.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        created = rfc3339(utc_now())
        name = f"{release.id if release else 'before'}-{created.replace(':', '').replace('-', '')}"
        with locked_folder(self.folder, ".making-") as making:
            os.chmod(making, 0o700)
            databases = {database.folder: self._dump(database, making) for database in plan.databases}
            try:
                for container in plan.stores:
                    self.deployed.docker.run("stop", container)
                for folder in plan.folders:
                    _archive(data, folder, os.path.join(making, f"{folder}.tar.gz"))
            finally:
                for container in plan.stores:
                    self.deployed.docker.run("start", container)
            if release:
                _archive(self.store.releases, release.id, os.path.join(making, "release.tar.gz"))
            for kept in (SECRETS, ADOPTED):
                if os.path.exists(os.path.join(self.store.folder, kept)):
                    shutil.copy2(os.path.join(self.store.folder, kept), making)
            record = BackupRecord(
                name, release.id if release else "", release.schema if release else "", created, databases,
                list(plan.folders), hashes(making), sorted(external),
            )  # fmt: skip
            with open(os.path.join(making, RECORD), "w", encoding="utf-8") as file:
                json.dump(record.as_json(), file, indent=2)
                file.write("\n")
            os.rename(making, os.path.join(self.folder, name))
        return record

    def check(self, record: BackupRecord) -> None:
        """:raises CollectionError: a file is missing, or is not what was written."""
        found = hashes(os.path.join(self.folder, record.name))
        wrong = sorted(path for path, digest in record.files.items() if found.get(path) != digest)
        if wrong:
            raise CollectionError(
                f"The backup {record.name} is damaged: {', '.join(wrong)}. Nothing was restored. Use another one.",
                files=wrong,
            )

    def bring_release(self, record: BackupRecord) -> None:
        """The folder of the backup's release, where it is gone."""
        if record.release and self.store.find_release(record.release) is None:
            os.makedirs(self.store.releases, mode=0o755, exist_ok=True)
            _extract(os.path.join(self.folder, record.name, "release.tar.gz"), self.store.releases)

    def restore(self, record: BackupRecord, databases: Sequence[Database], data: str) -> str:
        """Put a backup back. What is there is set aside, not removed.

        :return: the folder that has what was there, below the data folder.
        :raises CollectionError: a database cannot be written.
        """
        source = os.path.join(self.folder, record.name)
        aside = os.path.join(data, f".before-{record.name}")
        for database in databases:
            for name in record.databases.get(database.folder, ()):
                self._load(database, name, os.path.join(source, _dump_name(database.folder, name)))
        for folder in record.folders:
            _replace(os.path.join(source, f"{folder}.tar.gz"), data, folder, aside)
        return aside

    def remove(self, name: str) -> None:
        shutil.rmtree(os.path.join(self.folder, name))

    def _dump(self, database: Database, folder: str) -> list[str]:
        docker, inside = self.deployed.docker, _inside(database)
        found = docker.run("exec", database.container, *list_command(database)).stdout
        names = [name for name in found.split("\n") if name]
        for name in names:
            path = os.path.join(folder, _dump_name(database.folder, name))
            docker.run("exec", database.container, *dump_command(database, name, inside))
            docker.run("cp", "--quiet", f"{database.container}:{inside}", path)
            docker.run("exec", database.container, "rm", "-f", inside)
        return names

    def _load(self, database: Database, name: str, path: str) -> None:
        docker, inside = self.deployed.docker, _inside(database)
        docker.run("cp", "--quiet", path, f"{database.container}:{inside}")
        docker.run("exec", database.container, "chmod", "0644", inside)
        for command in load_commands(database, name, inside):
            docker.run("exec", database.container, *command)
        docker.run("exec", database.container, "rm", "-f", inside)


def hashes(folder: str) -> dict[str, str]:
    """SHA-256 by path of the files of a backup, without its record."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if name == RECORD:
            continue
        digest = hashlib.sha256()
        with open(os.path.join(folder, name), "rb") as file:
            for chunk in iter(_reader(file.read), b""):
                digest.update(chunk)
        found[name] = digest.hexdigest()
    return found


def _reader(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(_CHUNK)


def _inside(database: Database) -> str:
    """Where a dump is inside of the database's container, for a moment."""
    return f"{DATA[database.kind]}/imagefleet-{os.getpid()}.dump"


def _dump_name(folder: str, name: str) -> str:
    return f"{folder}.{name.replace('/', '_')}.dump"


def _archive(parent: str, folder: str, path: str) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(os.path.join(parent, folder), arcname=folder)
    os.chmod(path, 0o600)


def _extract(path: str, folder: str) -> None:
    """Our own archive, whose owners and modes count."""
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "fully_trusted_filter"):
            archive.extraction_filter = tarfile.fully_trusted_filter
        archive.extractall(folder)  # noqa: S202


def _replace(path: str, data: str, folder: str, aside: str) -> None:
    """Put a folder of data in the place of what is there, which goes aside. A run that is killed in between does it again."""
    fresh = os.path.join(data, f".restoring-{folder}")
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    _extract(path, fresh)
    target, kept = os.path.join(data, folder), os.path.join(aside, folder)
    if os.path.lexists(target):
        os.makedirs(aside, mode=0o700, exist_ok=True)
        if os.path.lexists(kept):
            shutil.rmtree(target)
        else:
            os.rename(target, kept)
    os.rename(os.path.join(fresh, folder), target)
    os.rmdir(fresh)
