# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a context from a commit or a folder, and writing it out for a build: the I/O beside ``context.py``."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import Iterable, Protocol, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import (
    FILE,
    LINK,
    MODULE,
    Entry,
    blob_id,
)

#: For git in a repository that another user owns, as a build by root does in a checkout: it reads objects and runs nothing.
READ_ANY_OWNERS = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}

_GIT_KINDS = {"120000": LINK, "160000": MODULE}


class ContextReader(Protocol):
    """Where a context comes from."""

    @property
    def at_root(self) -> bool:
        """Whether the context is the root of its source."""

    def entries(self) -> tuple[Entry, ...]:
        """All files and links, sorted by path, ignore rules not yet applied."""

    def read(self, path: str) -> bytes | None:
        """A file's content, or None when there is no such file."""

    def export(self, entries: Sequence[Entry], destination: str) -> None:
        """Write ``entries`` below ``destination`` with normalised modes."""


@dataclass(frozen=True)
class CommitContext:
    """A folder of a commit's tree, read from Git's objects and never from the work tree.

    :param git: runs git in the repository.
    :param folder: the context's path in the tree; empty for the root.
    """

    git: Cli
    repository: str
    commit: str
    folder: str

    @property
    def at_root(self) -> bool:
        return not self.folder

    def entries(self) -> tuple[Entry, ...]:
        """:raises CollectionError: the commit or the folder is not there, or a submodule is in the way."""
        found = [
            (path, _GIT_KINDS.get(mode, FILE), mode == "100755", object_id)
            for path, (mode, object_id) in self._listing.items()
        ]
        targets = self._blobs([object_id for _path, kind, _x, object_id in found if kind == LINK])
        return tuple(
            sorted(
                Entry(path, kind, executable, os.fsdecode(targets[object_id]) if kind == LINK else object_id)
                for path, kind, executable, object_id in found
            )
        )

    def read(self, path: str) -> bytes | None:
        mode, object_id = self._listing.get(path, ("", ""))
        if not object_id or _GIT_KINDS.get(mode) == MODULE:
            return None
        return self._blobs([object_id])[object_id]

    def export(self, entries: Sequence[Entry], destination: str) -> None:
        contents = self._blobs(sorted({entry.id for entry in entries if entry.kind == FILE}))
        _write(((entry, contents.get(entry.id, b"")) for entry in entries), destination)

    @cached_property
    def _listing(self) -> dict[str, tuple[str, str]]:
        """Mode and object id of everything below the folder, by path."""
        tree = f"{self.commit}:{self.folder}" if self.folder else f"{self.commit}^{{tree}}"
        listed = {}
        for line in filter(None, self._git("ls-tree", "-r", "-z", "--full-tree", tree).split("\0")):
            properties, _tab, path = line.partition("\t")
            mode, _type, object_id = properties.split(" ")
            listed[path] = (mode, object_id)
        return listed

    def _git(self, *arguments: str) -> str:
        completed = self.git.run(*arguments, cwd=self.repository, check=False)
        if completed.rc != 0:
            raise CollectionError(
                f"Git cannot read {self.folder or 'the root'} of commit {self.commit} in {self.repository}: "
                f"{completed.last_lines(3)}. Check commit and context.",
                context=os.path.join(self.repository, self.folder),
                commit=self.commit,
            )
        return completed.stdout

    def _blobs(self, object_ids: Sequence[str]) -> dict[str, bytes]:
        """Contents by object id. ``run_command`` decodes output, so blobs go through a file of Git's own writing."""
        if not object_ids:
            return {}
        return read_blobs(self.repository, object_ids, dict(self.git.environment), self.git.program)


def read_blobs(
    repository: str, object_ids: Sequence[str], environment: dict[str, str], program: str = "git"
) -> dict[str, bytes]:
    """Contents of Git objects, by one ``git cat-file --batch``.

    :raises CollectionError: an object is missing, as in a partial clone.
    """
    wanted = list(dict.fromkeys(object_ids))
    # run_command decodes what it reads, and these are bytes.
    completed = subprocess.run(  # pylint: disable=ansible-bad-function
        [program, "cat-file", "--batch"],
        cwd=repository,
        env={**os.environ, **environment},
        input="".join(f"{object_id}\n" for object_id in wanted).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    contents: dict[str, bytes] = {}
    position = 0
    for object_id in wanted:
        end = completed.stdout.find(b"\n", position)
        header = completed.stdout[position:end].split()
        if end < 0 or len(header) != 3:
            raise CollectionError(
                f"Object {object_id} is missing in the repository {repository}. Is it a partial clone? Check the source "
                "out again without a filter."
            )
        size = int(header[2])
        contents[object_id] = completed.stdout[end + 1 : end + 1 + size]
        position = end + 1 + size + 1
    return contents


@dataclass(frozen=True)
class FolderContext:
    """A folder on disk, read by content. ``.git`` at its root is never part of it."""

    path: str

    @property
    def at_root(self) -> bool:
        return os.path.exists(os.path.join(self.path, ".git"))

    def entries(self) -> tuple[Entry, ...]:
        """:raises MissingPrerequisite: there is no such folder. :raises CollectionError: a device, socket or pipe is in it."""
        if not os.path.isdir(self.path):
            raise MissingPrerequisite(
                f"The context {self.path} is not a folder on this host. Check it out with source_checkout or correct context.",
                task="source_checkout",
                context=self.path,
            )
        return tuple(sorted(self._walk("")))

    def read(self, path: str) -> bytes | None:
        target = os.path.join(self.path, path)
        if not os.path.isfile(target):
            return None
        with open(target, "rb") as file:
            return file.read()

    def export(self, entries: Sequence[Entry], destination: str) -> None:
        """:raises CollectionError: a file changed since it was read: what is built must be what was fingerprinted."""

        def contents() -> Iterable[tuple[Entry, bytes]]:
            for entry in entries:
                content = b""
                if entry.kind == FILE:
                    content = self.read(entry.path) or b""
                    if blob_id(content) != entry.id:
                        raise CollectionError(
                            f"{os.path.join(self.path, entry.path)} changed while it was being read. Run again."
                        )
                yield entry, content

        _write(contents(), destination)

    def _walk(self, folder: str) -> Iterable[Entry]:
        with os.scandir(os.path.join(self.path, folder)) as scan:
            for item in scan:
                relative = f"{folder}/{item.name}" if folder else item.name
                if relative == ".git":
                    continue
                if item.is_symlink():
                    yield Entry(relative, LINK, False, os.readlink(item.path))
                elif item.is_dir():
                    yield from self._walk(relative)
                elif item.is_file():
                    with open(item.path, "rb") as file:
                        content_id = blob_id(file.read())
                    yield Entry(relative, FILE, bool(item.stat().st_mode & stat.S_IXUSR), content_id)
                else:
                    raise CollectionError(
                        f"{item.path} is neither file, folder nor link, so no build context can hold it. Remove it or leave it "
                        "out with .dockerignore.",
                        context=self.path,
                    )


def open_context(path: str, commit: str | None, git: Cli) -> ContextReader:
    """The context at ``path``: of ``commit`` when given, else the folder as it is.

    :param path: absolute; with a commit, a folder in a Git work tree or a repository's root. It need not exist in the
        work tree, but the repository must.
    :raises MissingPrerequisite: there is no repository at the path, or it does not have the commit.
    """
    if commit is None:
        return FolderContext(os.path.realpath(path))
    existing = os.path.abspath(path)
    while not os.path.isdir(existing) and existing != "/":
        existing = os.path.dirname(existing)
    tree = f"{commit}^{{tree}}"
    # In one call where all is well; what is wrong takes another.
    top = git.run("rev-parse", "--show-toplevel", "--verify", tree, cwd=existing, check=False)
    known = top.rc == 0
    if not known:
        top = git.run("rev-parse", "--show-toplevel", cwd=existing, check=False)
    if top.rc != 0:
        raise MissingPrerequisite(
            f"{path} is in no Git repository, so commit {commit} cannot be read from it. Check it out with source_checkout.",
            task="source_checkout",
            context=path,
            commit=commit,
        )
    if not known:
        raise MissingPrerequisite(
            f"The repository that {path} is in does not have commit {commit}. Check it out with source_checkout, or correct "
            "commit.",
            task="source_checkout",
            context=path,
            commit=commit,
        )
    output = top.stdout.rstrip("\n")
    root = os.path.realpath(output.rpartition("\n")[0] if known else output)
    folder = os.path.relpath(os.path.realpath(path), root)
    return CommitContext(git, root, commit, "" if folder == "." else folder)


def _write(contents: Iterable[tuple[Entry, bytes]], destination: str) -> None:
    """Files with mode 0644 or 0755, folders 0755, whatever the umask and the source's modes were."""
    os.makedirs(destination, exist_ok=True)
    os.chmod(destination, 0o755)
    made = {""}
    for entry, content in contents:
        if entry.kind == MODULE:
            raise CollectionError(
                f"{entry.path} is a Git submodule, whose files are not in the commit. Leave it out with .dockerignore or build "
                "from a folder that holds it."
            )
        _make_folders(destination, os.path.dirname(entry.path), made)
        target = os.path.join(destination, entry.path)
        if entry.kind == LINK:
            os.symlink(entry.id, target)
        else:
            with open(target, "wb") as file:
                file.write(content)
            os.chmod(target, 0o755 if entry.executable else 0o644)


def _make_folders(destination: str, folder: str, made: set[str]) -> None:
    if folder not in made:
        _make_folders(destination, os.path.dirname(folder), made)
        os.mkdir(os.path.join(destination, folder))
        os.chmod(os.path.join(destination, folder), 0o755)
        made.add(folder)
