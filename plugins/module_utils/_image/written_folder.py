# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A context that we write ourselves: read, compared, and put in the place of what was there."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import AbstractSet, Any, Iterator, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755


@dataclass(frozen=True)
class WrittenFolder:
    """A folder with nothing in it but our files.

    :param path: absolute, without a link at its end.
    :param mark: the first line of a file in it; without that line a folder is somebody else's.
    :param marked_file: the name of that file.
    """

    path: str
    mark: str
    marked_file: str

    def read(self) -> dict[str, bytes | None]:
        """Its files by path; None for what is none of ours to be kept: another kind, another mode, an empty folder.

        :raises CollectionError: it is somebody else's, or cannot be read.
        """
        if not os.path.lexists(self.path):
            return {}
        if os.path.islink(self.path) or not os.path.isdir(self.path):
            raise CollectionError(f"dest {self.path} is no folder. Remove it, or give another one.", dest=self.path)
        try:
            found = dict(_files(self.path, ""))
        except OSError as error:
            raise CollectionError(f"dest {self.path} cannot be read: {error}. Run as its owner (become).") from error
        marked = found.get(self.marked_file)
        if found and not (marked or b"").startswith(f"{self.mark}\n".encode()):
            raise CollectionError(
                f"dest {self.path} is not empty and was not made by this module (it holds {', '.join(sorted(found)[:3])}). "
                "The module removes what it does not want in its folder, so it takes none that has something in it. Give "
                "another folder, or empty this one.",
                dest=self.path,
            )
        return found

    def replace(self, files: Mapping[str, bytes]) -> None:
        """Put ``files`` in the place of all that is there. Without any, the folder goes too.

        Killed at any moment, it leaves the old folder, the new one, or none; the rest goes with the next run.
        """
        parent, name = os.path.split(self.path)
        try:
            os.makedirs(parent, mode=_FOLDER_MODE, exist_ok=True)
            with locked_folder(parent, f".{name}-") as work:
                new = os.path.join(work, "new")
                os.mkdir(new)
                os.chmod(new, _FOLDER_MODE)
                for path, content in files.items():
                    _write(new, path, content)
                if os.path.lexists(self.path):
                    os.rename(self.path, os.path.join(work, "old"))
                if files:
                    os.rename(new, self.path)
        except OSError as error:
            raise CollectionError(
                f"dest {self.path} cannot be written: {error}. Check its owner and the space on its disk.",
                dest=self.path,
            ) from error


def changed_files(current: Mapping[str, bytes | None], wanted: Mapping[str, bytes]) -> list[str]:
    """Paths that are new, gone or otherwise, sorted, each with what it is when that is not plain."""
    changes = []
    for path in sorted({*current, *wanted}):
        if path not in wanted:
            changes.append(f"{path} (gone)")
        elif path not in current:
            changes.append(f"{path} (new)")
        elif current[path] != wanted[path]:
            changes.append(path)
    return changes


def folder_diff(
    current: Mapping[str, bytes | None], wanted: Mapping[str, bytes], shown: AbstractSet[str]
) -> list[dict[str, Any]]:
    """Before and after of each file that differs. Only those in ``shown`` are shown whole, of others the digest."""
    return [
        {
            "before_header": path,
            "after_header": path,
            "before": _shown(path, current, shown),
            "after": _shown(path, wanted, shown),
        }
        for path in sorted({*current, *wanted})
        if path not in current or path not in wanted or current[path] != wanted[path]
    ]


def _shown(path: str, files: Mapping[str, bytes | None], shown: AbstractSet[str]) -> str:
    if path not in files:
        return ""
    content = files[path]
    if content is None:
        return "something else\n"
    if path in shown:
        return content.decode("utf-8", "replace")
    return f"sha256:{hashlib.sha256(content).hexdigest()}, {len(content)} bytes\n"


def _files(root: str, folder: str) -> Iterator[tuple[str, bytes | None]]:
    with os.scandir(os.path.join(root, folder)) as scan:
        items = list(scan)
    for item in items:
        path = f"{folder}/{item.name}" if folder else item.name
        mode = stat.S_IMODE(item.stat(follow_symlinks=False).st_mode)
        if item.is_dir(follow_symlinks=False):
            if mode != _FOLDER_MODE or not os.listdir(item.path):
                yield f"{path}/", None
            yield from _files(root, path)
        elif item.is_file(follow_symlinks=False) and mode == _FILE_MODE:
            with open(item.path, "rb") as file:
                yield path, file.read()
        else:
            yield path, None


def _write(root: str, path: str, content: bytes) -> None:
    folder = root
    for part in path.split("/")[:-1]:
        folder = os.path.join(folder, part)
        if not os.path.isdir(folder):
            os.mkdir(folder)
            os.chmod(folder, _FOLDER_MODE)
    target = os.path.join(root, path)
    with open(target, "wb") as file:
        file.write(content)
    os.chmod(target, _FILE_MODE)
