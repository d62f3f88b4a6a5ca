# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives as commits of the store: found again by their checksum, imported once."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive import (
    Checksum,
    common_folder,
    read_members,
    recorded_commit,
    write_import,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import GitClient, SourceFailure
from ansible_collections.imagefleet.dify.plugins.module_utils._git.download import local_file
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import IMPORTED, NAMESPACE, SHORT, Ref
from ansible_collections.imagefleet.dify.plugins.module_utils._git.request import CheckoutRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import Source

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Imported:
    """An archive in the store.

    :param commit: made here, of the contents alone.
    :param recorded: the commit that the archive says it was made of, or None.
    """

    commit: str
    recorded: str | None


def archive_ref(request: CheckoutRequest) -> Ref:
    """The name of an archive's version: what the user says, else a part of the checksum."""
    digits = request.checksum.digits if request.checksum else ""
    return Ref(IMPORTED, f"refs/tags/{request.ref or f'archive-{digits[:SHORT]}'}")


def archive_record(checksum: Checksum | None, recorded: str | None) -> str:
    """The ref under which the store keeps it; the last part is what the archive says of itself."""
    return f"{NAMESPACE}/archives/{str(checksum).replace(':', '-')}/{recorded or _UNKNOWN}"


def find_imported(git: GitClient, request: CheckoutRequest) -> Imported | None:
    """The archive with the request's checksum, when it was imported before."""
    folder = os.path.dirname(archive_record(request.checksum, None))
    for record in git.list_refs(f"{folder}/"):
        commit = git.find_commit(record)
        name = os.path.basename(record)
        if commit:
            return Imported(commit, None if name == _UNKNOWN else name)
    return None


def import_archive(git: GitClient, request: CheckoutRequest, source: Source, workspace: str) -> Imported:
    """Make an archive one commit of the repository.

    :raises SourceFailure: it cannot be read, has another checksum, or holds what no commit can.
    """
    path = local_file(source, request.checksum, workspace, request.timeout)
    stream = os.path.join(workspace, "import")
    try:
        recorded = recorded_commit(path)
        record = archive_record(request.checksum, recorded)
        strip = common_folder(member.path for member in read_members(path))
        with open(stream, "wb") as out:
            count = write_import(read_members(path), strip, record, out)
        if not count:
            raise SourceFailure(f"{source}: the archive is empty")
        git.import_stream(stream)
    except CollectionError as error:
        raise SourceFailure(f"{source}: {error.msg}") from error
    commit = git.find_commit(record)
    if commit is None:
        raise SourceFailure(f"{source}: the archive makes no commit")
    return Imported(commit, recorded)


def require_archive_pin(request: CheckoutRequest, imported: Imported) -> None:
    """:raises CollectionError: the user demands another commit than the archive is or says it was made of."""
    pin = request.pin
    if pin and pin not in (imported.commit, imported.recorded):
        says = f"says that it was made of commit {imported.recorded}" if imported.recorded else "names no commit"
        raise CollectionError(
            f"The archive {request.source} {says}, and commit demands {pin}. Give the archive of that commit, or leave "
            "commit out: the checksum pins the contents too.",
            commit=imported.commit,
        )
