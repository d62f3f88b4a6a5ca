# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment's folder on its host: its releases, which one is active, and what is kept for all of them.

``releases/ID/`` holds a release (``release.json``, and ``docker/`` as Compose sees it), ``docker`` is the active one's copy,
``state.json`` says where a change of release stands, ``secrets.env`` keeps what was made once. What appears, appears whole: a
run that is killed leaves either the old or the new.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment_file import (
    line_of,
    parse_environment,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release, read_release

SECRETS = "secrets.env"
#: In the project's folder, the name of the release that it is.
_MARK = ".imagefleet-release"
ADOPTED = "adopted.env"
_KEPT_FOR_RELEASES = "# Kept by imagefleet.dify for every release of this deployment. What is lost here is lost.\n"


@dataclass(frozen=True)
class State:
    """Where a deployment stands.

    :param active: the release that runs, or is to.
    :param previous: the one before it.
    :param pending: the release that is being changed to, and in which ``phase`` that is; empty when nothing is under way.
    """

    active: str | None = None
    previous: str | None = None
    pending: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "active": self.active,
            "previous": self.previous,
            "pending": dict(self.pending) if self.pending else None,
        }


class ReleaseStore:
    """Reads and writes one deployment's folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.releases = os.path.join(folder, "releases")
        self.project = os.path.join(folder, "docker")

    def state(self) -> State:
        """:raises CollectionError: it is damaged."""
        path = os.path.join(self.folder, "state.json")
        text = _find_text(path)
        if text is None:
            return State()
        try:
            document = json.loads(text)
            return State(document["active"], document["previous"], document["pending"])
        except (ValueError, KeyError, TypeError) as error:
            raise CollectionError(f"{path} cannot be read ({error}). Restore it from a backup.") from error

    def write_state(self, state: State) -> None:
        self.write("state.json", json.dumps(state.as_json(), indent=2) + "\n", 0o644)

    def find_release(self, name: str | None) -> Release | None:
        """The release of that name, if its folder is there."""
        if not name:
            return None
        path = os.path.join(self.releases, name, "release.json")
        text = _find_text(path)
        return None if text is None else read_release(text, path)

    def list_releases(self) -> list[Release]:
        """All of them, the oldest first."""
        if not os.path.isdir(self.releases):
            return []
        names = [name for name in os.listdir(self.releases) if not name.startswith(".")]
        names.sort(key=lambda name: os.stat(os.path.join(self.releases, name)).st_mtime_ns)
        return [release for release in map(self.find_release, names) if release]

    def kept(self, name: str) -> dict[str, str]:
        """The values of a file that is kept for all releases."""
        return parse_environment(_find_text(os.path.join(self.folder, name)) or "")

    def write_kept(self, name: str, values: Mapping[str, str]) -> None:
        """Write such a file, for root alone."""
        lines = [line_of(key, value) + "\n" for key, value in sorted(values.items())]
        self.write(name, _KEPT_FOR_RELEASES + "".join(lines), 0o600)

    def write(self, name: str, text: str, mode: int) -> None:
        """Put a file into the folder; whoever reads it meanwhile sees the old or the new one."""
        write_whole(os.path.join(self.folder, name), text, mode)

    def add_release(self, release: Release, prepared: str) -> None:
        """Make a prepared folder the release's. It must be on the same file system."""
        with open(os.path.join(prepared, "release.json"), "w", encoding="utf-8") as file:
            json.dump(release.as_json(), file, indent=2)
            file.write("\n")
        os.chmod(prepared, 0o700)
        os.rename(prepared, os.path.join(self.releases, release.id))

    def activate(self, name: str) -> None:
        """Make ``docker`` what the release has. It stays the same folder, which running containers have mounted.

        What containers wrote into it stays. A run that is killed in between leaves no :meth:`active_project`.
        """
        mark = os.path.join(self.project, _MARK)
        before = self.active_project()
        if os.path.lexists(mark):
            os.unlink(mark)
        source = os.path.join(self.releases, name, "docker")
        wanted = set(_files(source))
        for path in set(_files(os.path.join(self.releases, before, "docker")) if before else ()) - wanted:
            _remove(self.project, path)
        for path in wanted:
            _put(source, self.project, path)
        self.write(os.path.join("docker", _MARK), f"{name}\n", 0o644)

    def active_project(self) -> str | None:
        """The release that ``docker`` has."""
        return (_find_text(os.path.join(self.project, _MARK)) or "").strip() or None

    def data_dir(self, name: str) -> str:
        """Where the services of a release keep their data."""
        return os.readlink(os.path.join(self.releases, name, "docker", "volumes"))

    def missing_data(self, name: str) -> list[str]:
        """What the source brings for the data folder and is not there, as paths below it. What is there belongs to the user."""
        seed, data = os.path.join(self.releases, name, "seed"), self.data_dir(name)
        found = [
            os.path.relpath(os.path.join(folder, file), seed)
            for folder, _folders, files in os.walk(seed)
            for file in files
        ]
        return sorted(path for path in found if not os.path.lexists(os.path.join(data, path)))

    def seed_data(self, name: str, paths: Sequence[str]) -> None:
        """Copy such files into the data folder, which is made where it is missing."""
        data = self.data_dir(name)
        os.makedirs(data, mode=0o755, exist_ok=True)
        for path in paths:
            seed = os.path.join(self.releases, name, "seed")
            _make_folders(seed, data, path)
            shutil.copy2(os.path.join(seed, path), os.path.join(data, path))

    def wrong_owners(self, release: Release) -> dict[str, int]:
        """The folders of data that do not belong to the user that the release's images run as, with that user."""
        data = self.data_dir(release.id)
        return {path: user for path, user in release.owners.items() if _owner(os.path.join(data, path)) != user}

    def set_owners(self, release: Release, owners: Mapping[str, int]) -> None:
        """Give such folders to their users, with all that is in them. The folder itself comes last: it says that this is done."""
        data = self.data_dir(release.id)
        for path, user in owners.items():
            folder = os.path.join(data, path)
            os.makedirs(folder, exist_ok=True)
            for parent, folders, files in os.walk(folder, topdown=False):
                for name in (*files, *folders):
                    os.lchown(os.path.join(parent, name), user, -1)
            os.lchown(folder, user, -1)

    def remove_release(self, name: str) -> None:
        shutil.rmtree(os.path.join(self.releases, name))


def _owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except FileNotFoundError:
        return None


def _files(folder: str) -> list[str]:
    """Files and links below a folder, as paths below it. A link to a folder is one of them."""
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in (*files, *links)]
    return found


def _remove(folder: str, path: str) -> None:
    """Remove a file, and the folders around it that are empty then."""
    target = os.path.join(folder, path)
    if not os.path.lexists(target):
        return
    os.unlink(target)
    parent = os.path.dirname(target)
    while parent != folder and not os.listdir(parent):
        os.rmdir(parent)
        parent = os.path.dirname(parent)


def _make_folders(source: str, folder: str, path: str) -> None:
    """The folders around a file, with the modes that the release's have."""
    parts = os.path.dirname(path).split(os.sep) if os.path.dirname(path) else []
    os.makedirs(folder, mode=0o755, exist_ok=True)
    for count in range(1, len(parts) + 1):
        below = os.path.join(*parts[:count])
        made = os.path.join(folder, below)
        if not os.path.isdir(made):
            os.mkdir(made)
            os.chmod(made, os.stat(os.path.join(source, below)).st_mode & 0o7777)


def _put(source_folder: str, folder: str, path: str) -> None:
    """Make a file what it is in the release, by a new one that takes its place; one that is the same is left alone."""
    source, target = os.path.join(source_folder, path), os.path.join(folder, path)
    if os.path.islink(source):
        if os.path.islink(target) and os.readlink(target) == os.readlink(source):
            return
    elif _is_same_file(source, target):
        return
    _make_folders(source_folder, folder, path)
    part = f"{target}.part"
    if os.path.lexists(part):
        os.unlink(part)
    shutil.copy2(source, part, follow_symlinks=False)
    os.replace(part, target)


def _is_same_file(source: str, target: str) -> bool:
    if os.path.islink(target) or not os.path.isfile(target):
        return False
    return os.stat(source).st_mode == os.stat(target).st_mode and filecmp.cmp(source, target, shallow=False)


def _find_text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path} cannot be read: {error}.") from error
