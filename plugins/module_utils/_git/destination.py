# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder that the module owns: a bare repository, and a work tree for each commit."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import file_locks
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import GitClient

#: Without the commit, so that check mode can say it before a patched one exists; ``head`` names it.
NOT_CHECKED_OUT = "the commit is not checked out"
_MARKER = ".imagefleet-source"
_LOCK = "source"
_MARKER_TEXT = (
    "This folder belongs to the module imagefleet.dify.source_checkout, which may remove everything in it.\n"
    "Folders below worktrees are put back to their commit at each run.\n"
)


@dataclass(frozen=True)
class Destination:
    """``dest``.

    :param folder: its absolute path.
    """

    folder: str

    @property
    def store(self) -> str:
        """The bare repository."""
        return os.path.join(self.folder, "repository.git")

    def work_tree(self, name: str) -> str:
        return os.path.join(self.folder, "worktrees", name)

    def require_ours(self) -> None:
        """:raises CollectionError: there is something that we did not make."""
        if not os.path.lexists(self.folder):
            return
        if not os.path.isdir(self.folder):
            raise CollectionError(f"dest {self.folder} is a file. Remove it, or give another folder.")
        try:
            names = set(os.listdir(self.folder))
        except OSError as error:
            raise CollectionError(f"dest {self.folder} cannot be read: {error}. Run as its owner (become).") from error
        others = names - {f"{_LOCK}.lock"}
        if others and _MARKER not in names:
            raise CollectionError(
                f"dest {self.folder} is not empty and was not made by this module (it holds {', '.join(sorted(others)[:3])}). "
                "The module may remove what is in its folder, so it takes none that has something in it. "
                "Give another folder, or empty this one.",
                dest=self.folder,
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold ``dest`` alone: no other run of the module on this host is in it. It is marked, and cleared of remains.

        :raises CollectionError: it is not ours, or cannot be written.
        """
        self.require_ours()
        try:
            with file_locks(self.folder, [_LOCK]):
                self.require_ours()
                marker = os.path.join(self.folder, _MARKER)
                if not os.path.exists(marker):
                    with open(marker, "w", encoding="utf-8") as file:
                        file.write(_MARKER_TEXT)
                self._remove_remains()
                os.makedirs(os.path.join(self.folder, "worktrees"), exist_ok=True)
                yield
        except OSError as error:
            raise CollectionError(
                f"dest {self.folder} cannot be written: {error}. Check its owner and the space on its disk."
            ) from error

    def _remove_remains(self) -> None:
        """Locks and half-written packs of a run that was killed. We hold the lock, so nobody is at them."""
        remove(f"{self.store}.new")
        for folder, folders, names in os.walk(self.store):
            if os.path.relpath(folder, self.store) == "objects":
                for name in [name for name in folders if name.startswith(("incoming-", "tmp_objdir-"))]:
                    remove(os.path.join(folder, name))
                folders[:] = ["pack"]
            for name in names:
                if name.endswith(".lock") or name.startswith("tmp_"):
                    remove(os.path.join(folder, name))


def remove(path: str) -> None:
    """Remove a file or folder, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def work_tree_fault(git: GitClient, path: str, head: str, patterns: str) -> str | None:
    """Why a work tree is not exactly ``head``, in words, or None when it is.

    :param git: Git in the store that the work tree must belong to.
    """
    if not os.path.lexists(path):
        return NOT_CHECKED_OUT
    tree = git.at(os.path.join(path, ".git"), path)
    if not _belongs_to(path, git.directory) or tree.find_object("HEAD") != head or not tree.is_sparse_as(patterns):
        return f"the work tree {path} is incomplete"
    differences = tree.differences(ignored=True)
    if differences:
        shown = ", ".join(differences[:3]) + (", …" if len(differences) > 3 else "")
        return f"the work tree {path} differs from commit {head} in {len(differences)} files: {shown}"
    return None


def _belongs_to(path: str, store: str) -> bool:
    """Whether a work tree's ``.git`` file names a folder of the store; without one Git would look in the parents."""
    try:
        with open(os.path.join(path, ".git"), encoding="utf-8") as file:
            named = file.read().strip()
    except (OSError, UnicodeDecodeError):
        return False
    administration = named.partition("gitdir: ")[2]
    owner = os.path.dirname(os.path.dirname(administration))
    return os.path.isdir(administration) and os.path.realpath(owner) == os.path.realpath(store)
