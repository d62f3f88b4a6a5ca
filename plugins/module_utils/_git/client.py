# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that runs git (and gpg, to fill a keyring)."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, Completed
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._git.patch import (
    Patch,
    explain_patch,
    patches_message,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import RemoteRefs, parse_refs
from ansible_collections.imagefleet.dify.plugins.module_utils._git.signature import (
    Signature,
    explain_verification,
    parse_verification,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import BUNDLE, Source
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source_failure import explain_source

# Of Ubuntu 22.04. GIT_CONFIG_GLOBAL is of 2.32, signatures by ssh keys of 2.34.
MINIMUM_VERSION = (2, 34)
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_NO_OUTPUT_FOR = 124
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")


class SourceFailure(Exception):
    """One source could not be read; another may. The text is for the list of failures, without credentials."""


@dataclass(frozen=True)
class CommitDetails:
    """A commit, as ``git`` reads it.

    :param time: the committer's date in seconds since 1970.
    :param trees: name of each top-level folder -> its tree id.
    """

    commit: str
    tree: str
    time: int
    trees: Mapping[str, str]


@dataclass(frozen=True)
class GitClient:
    """Git in one repository.

    :param cli: the program with the environment of ``environment.py``.
    :param directory: the repository: a bare one, or the ``.git`` of a work tree.
    :param work_tree: the work tree, for what needs one.
    :param timeout: seconds in which a source must answer what refs it has.
    """

    cli: Cli
    timeout: int
    directory: str = ""
    work_tree: str = ""

    def at(self, directory: str, work_tree: str = "") -> GitClient:
        """The same Git in another repository."""
        return replace(self, directory=directory, work_tree=work_tree)

    def writing_to(self, objects: str) -> GitClient:
        """The same repository to read from, with new objects kept apart in the folder ``objects``."""
        variables = {
            "GIT_OBJECT_DIRECTORY": objects,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.path.join(self.directory, "objects"),
        }
        return replace(self, cli=replace(self.cli, environment={**self.cli.environment, **variables}))

    def require_version(self) -> None:
        """:raises MissingPrerequisite: git is not there, or older than :data:`MINIMUM_VERSION`."""
        printed = self.cli.run("--version").stdout
        match = _VERSION.search(printed)
        if not match or (int(match[1]), int(match[2])) < MINIMUM_VERSION:
            raise MissingPrerequisite(
                f"{printed.strip() or self.cli.program} is too old: git {'.'.join(map(str, MINIMUM_VERSION))} or newer is "
                f"needed. Install a newer git; {self.cli.provided_by} does that.",
                task=self.cli.provided_by,
            )

    # What a source has

    def ask(self, source: Source, ref: str | None) -> RemoteRefs:
        """The tags and branches of a source; of a full name that is neither, or of no name, just what is asked for.

        :raises SourceFailure: it does not answer in time, or refuses.
        """
        if ref is None:
            what: tuple[str, ...] = ("--symref", "--", source.address, "HEAD")
        elif ref.startswith("refs/") and not ref.startswith(("refs/tags/", "refs/heads/")):
            what = ("--", source.address, ref)
        else:
            what = ("--heads", "--tags", "--", source.address)
        # timeout(1) ends Git's helpers too, which it starts as its children.
        limited = replace(self.cli, program="timeout", provided_by="the package coreutils")
        completed = limited.run(
            "--kill-after=5", str(self.timeout), self.cli.program, "ls-remote", "--quiet", *what, check=False
        )
        if completed.rc == _NO_OUTPUT_FOR:
            raise SourceFailure(f"{source}: it does not answer within {self.timeout} seconds")
        self._require_source(source, completed)
        refs = parse_refs(completed.stdout)
        if ref is None and refs.default in (None, "HEAD") and "HEAD" in refs.objects:
            return replace(refs, default="HEAD")
        if ref is None and refs.default and "HEAD" in refs.objects:
            return replace(refs, objects={refs.default: refs.objects["HEAD"]})
        return refs

    def fetch(self, source: Source, refspecs: Sequence[str], depth: int | None) -> None:
        """Fetch into the repository; a bundle always whole.

        :raises SourceFailure: the source fails or has no such ref.
        """
        # A history that is there in full would be cut.
        cut = depth and source.kind != BUNDLE and (self._is_shallow() or not self._has_refs())
        options = ("--depth", str(depth)) if cut else ()
        completed = self._git(*_FETCH, *options, "--", source.address, *refspecs, check=False)
        self._require_source(source, completed)

    def _require_source(self, source: Source, completed: Completed) -> None:
        if completed.rc != 0:
            raise SourceFailure(f"{source}: {explain_source(completed.last_lines(8))}")

    # What the repository has

    def is_repository(self) -> bool:
        """Whether Git takes the folder for a repository."""
        return os.path.exists(self.directory) and self._git("rev-parse", "--git-dir", check=False).rc == 0

    def find_object(self, name: str) -> str | None:
        """The object that a ref or an expression names, or None."""
        completed = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name, check=False)
        return completed.stdout.strip() or None if completed.rc == 0 else None

    def find_commit(self, name: str) -> str | None:
        """The commit that a ref, tag or commit id names, or None; its object is there."""
        return self.find_object(f"{name}^{{commit}}")

    def is_kept(self, name: str) -> bool:
        """Whether an object is there with all that belongs to it: a ref leads to it, so no interrupted fetch left it."""
        if self.find_commit(name) is None:
            return False
        return bool(self._git("for-each-ref", "--count=1", f"--contains={name}", check=False).stdout)

    def list_refs(self, prefix: str) -> tuple[str, ...]:
        """The full names of refs that start with ``prefix``, which ends with a slash."""
        return tuple(self._git("for-each-ref", "--format=%(refname)", prefix).stdout.split())

    def read_commit(self, commit: str) -> CommitDetails:
        """:raises CollectionError: the commit or its tree is not there."""
        shown = self._git("show", "--no-patch", "--no-show-signature", "--format=%T %ct", "--end-of-options", commit)
        tree, time = shown.stdout.split()
        listing = self._git("ls-tree", "-z", "--full-tree", commit).stdout
        trees = {}
        for line in filter(None, listing.split("\0")):
            properties, _tab, name = line.partition("\t")
            _mode, kind, object_id = properties.split(" ")
            if kind == "tree":
                trees[name] = object_id
        return CommitDetails(commit, tree, int(time), trees)

    def has_path(self, commit: str, path: str) -> bool:
        return self.find_object(f"{commit}:{path}") is not None

    def tag_name(self, tag: str) -> str | None:
        """The name that an annotated tag's object holds, or None when the object is no tag."""
        completed = self._git("cat-file", "tag", tag, check=False)
        match = re.search(r"^tag (.+)$", completed.stdout, re.MULTILINE) if completed.rc == 0 else None
        return match[1] if match else None

    def describe_head(self) -> tuple[str | None, str | None]:
        """Of a user's folder: the tag that HEAD is at, and the branch that is checked out; None each when there is none."""
        tag = self._git("describe", "--exact-match", "--tags", "HEAD", check=False)
        branch = self._git("symbolic-ref", "--quiet", "--short", "HEAD", check=False)
        return tag.stdout.strip() or None, branch.stdout.strip() or None

    def differences(self, ignored: bool) -> tuple[str, ...]:
        """Paths in the work tree that differ from HEAD or are not in it; with ``ignored`` also those that Git ignores."""
        options = ("--ignored=traditional",) if ignored else ()
        listing = self._git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", *options).stdout
        return tuple(entry[3:] for entry in listing.split("\0") if entry)

    def is_sparse_as(self, patterns: str) -> bool:
        """Whether the work tree was made with these patterns; no patterns stand for all files."""
        try:
            with open(self._sparse_file(), encoding="utf-8") as file:
                return file.read() == patterns
        except FileNotFoundError:
            return not patterns

    # Changes

    def create(self) -> None:
        """Make the bare repository, without hooks; complete at once or not at all."""
        unfinished = f"{self.directory}.new"
        self.cli.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", unfinished)
        os.rename(unfinished, self.directory)

    def keep(self, record: str, target: str) -> None:
        """Name an object by a ref, so that it stays and is found again."""
        self._git("update-ref", "--end-of-options", record, target)

    def import_stream(self, path: str) -> None:
        """Run ``git fast-import`` on a file.

        :raises CollectionError: Git refuses the stream.
        """
        # run_command takes its input as text in memory; this is a whole source.
        with open(path, "rb") as stream:
            completed = subprocess.run(  # pylint: disable=ansible-bad-function
                [self.cli.program, f"--git-dir={self.directory}", "fast-import", "--quiet", "--force"],
                stdin=stream,
                env={**os.environ, **self.cli.environment},
                capture_output=True,
                check=False,
            )
        if completed.returncode != 0:
            complaint = completed.stderr.decode(errors="replace").strip().splitlines()[:1]
            raise CollectionError(f"cannot become a commit: {' '.join(complaint)}")

    def patch(self, commit: str, patches: Sequence[Patch], workspace: str) -> str:
        """The commit of ``patches`` on ``commit``, made without a work tree; author and dates are the environment's.

        :param workspace: a folder for the index and the patches.
        :raises CollectionError: a patch does not apply; it names the file and line.
        """
        index = {"GIT_INDEX_FILE": os.path.join(workspace, "patch-index")}
        self._git("read-tree", commit, environment=index)
        for patch in patches:
            path = os.path.join(workspace, "patch")
            with open(path, "wb") as file:
                file.write(patch.content)
            applied = self._git("apply", "--cached", "--whitespace=nowarn", "--", path, environment=index, check=False)
            if applied.rc != 0:
                raise CollectionError(
                    f"The patch {patch.name} does not apply to commit {commit}: "
                    f"{explain_patch(applied.stderr).replace(path, patch.name)}. Make it for that commit, or leave it out.",
                    patch=patch.name,
                    commit=commit,
                )
        tree = self._git("write-tree", environment=index).stdout.strip()
        message = patches_message(patches)
        return self._git("commit-tree", "-p", commit, "-F", "-", tree, stdin=message).stdout.strip()

    def add_work_tree(self, path: str, commit: str, patterns: str) -> None:
        """Check ``commit`` out in a work tree of its own at ``path``, whole or by the patterns of a sparse checkout."""
        self._git("worktree", "prune", "--expire=now")
        self._git("worktree", "add", "--force", "--detach", "--no-checkout", "--", path, commit)
        tree = self.at(os.path.join(path, ".git"), path)
        sparse: tuple[str, ...] = ()
        if patterns:
            sparse_file = tree._sparse_file()
            os.makedirs(os.path.dirname(sparse_file), exist_ok=True)
            with open(sparse_file, "w", encoding="utf-8") as file:
                file.write(patterns)
            sparse = ("-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=false")
        tree._git("read-tree", "-m", "-u", "HEAD", settings=sparse)

    def verify(self, tag: str | None, commit: str, keyring: str) -> Signature:
        """The good signature of the tag object, else of the commit.

        :param keyring: a folder with the only keys that count.
        :raises CollectionError: neither is signed with one of them.
        """
        environment = {"GNUPGHOME": keyring}
        complaints = []
        for of, name in (("tag", tag), ("commit", commit)):
            if name is None:
                continue
            completed = self._git(f"verify-{of}", "--raw", "--", name, environment=environment, check=False)
            signature = parse_verification(completed.stderr, of)
            if signature and completed.rc == 0:
                return signature
            complaints.append(explain_verification(completed.stderr, of))
        raise CollectionError(
            f"Commit {commit} is not to be trusted: {'; '.join(complaints)}. Check where it comes from, and verify_keys.",
            commit=commit,
        )

    def import_key(self, path: str, keyring: str) -> None:
        """Add a file of OpenPGP keys to a keyring.

        :raises CollectionError: gpg finds no key in it.
        """
        gpg = replace(self.cli, program="gpg", provided_by="the package gpg")
        imported = gpg.run("--batch", "--homedir", keyring, "--status-fd=1", "--import", "--", path, check=False)
        # The exit status also complains about the agent, which public keys do not need.
        if "[GNUPG:] IMPORT_OK " not in imported.stdout:
            raise CollectionError(
                f"verify_keys: gpg cannot read one of the keys: {imported.last_lines(2)}. Export it again with "
                "'gpg --armor --export', or give another.",
            )

    def _is_shallow(self) -> bool:
        return os.path.exists(os.path.join(self.directory, "shallow"))

    def _has_refs(self) -> bool:
        return bool(self._git("for-each-ref", "--count=1").stdout)

    def _sparse_file(self) -> str:
        return os.path.join(self._git("rev-parse", "--absolute-git-dir").stdout.strip(), "info", "sparse-checkout")

    def _git(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        stdin: str | None = None,
        check: bool = True,
    ) -> Completed:
        where = (f"--git-dir={self.directory}", *((f"--work-tree={self.work_tree}",) if self.work_tree else ()))
        cwd = self.work_tree or None
        completed = self.cli.run(
            *settings, *where, *arguments, environment=environment, stdin=stdin, cwd=cwd, check=False
        )
        if check and completed.rc != 0:
            raise CollectionError(
                f"git {arguments[0]} failed in {self.work_tree or self.directory} with status {completed.rc}: "
                f"{completed.last_lines(5)}. If this repeats, remove the folder {self.directory}; it is made anew.",
                command=list(completed.command),
                rc=completed.rc,
            )
        return completed
