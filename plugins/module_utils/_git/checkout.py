# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing ``dest`` to a commit: looking for it here, then in the sources; patching, verifying, checking out."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive_import import (
    Imported,
    archive_ref,
    find_imported,
    import_archive,
    require_archive_pin,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import CommitDetails, GitClient, SourceFailure
from ansible_collections.imagefleet.dify.plugins.module_utils._git.destination import (
    NOT_CHECKED_OUT,
    Destination,
    remove,
    work_tree_fault,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.download import local_file
from ansible_collections.imagefleet.dify.plugins.module_utils._git.keyring import require_signature
from ansible_collections.imagefleet.dify.plugins.module_utils._git.patch import patches_digest
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import (
    COMMIT,
    NAMESPACE,
    Ref,
    candidates,
    explain_missing,
    find_ref,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.request import (
    CheckoutRequest,
    sparse_patterns,
    worktree_name,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.result import commit_result, tree_result
from ansible_collections.imagefleet.dify.plugins.module_utils._git.signature import Signature
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import ARCHIVE, BUNDLE, Source

_UNPATCHED = "the patches are not applied yet"


@dataclass(frozen=True)
class Located:
    """Where the wanted commit was found.

    :param previous: the commit that ``dest`` had under this ref before; None when it had none.
    :param source: None when no source had to be asked.
    :param recorded: the commit that an archive says it was made of.
    :param missing: the reason why its objects had to be brought, or must be.
    """

    ref: Ref
    commit: str
    previous: str | None
    source: Source | None = None
    recorded: str | None = None
    failures: tuple[str, ...] = ()
    missing: str | None = None


class Checkout:
    """One run on one ``dest``.

    :param git: Git without a repository.
    :param workspace: a folder of this run's own, removed after it.
    """

    def __init__(self, git: GitClient, request: CheckoutRequest, destination: Destination, workspace: str) -> None:
        self.request = request
        self.destination = destination
        self.workspace = workspace
        self.git = git.at(destination.store)
        self.patterns = sparse_patterns(request.sparse)

    def carry_out(self) -> dict[str, Any]:
        """Make ``dest`` hold the commit. The caller holds the lock.

        :raises CollectionError: no source has it, it is not to be trusted, or a patch does not apply.
        """
        reasons = []
        if not self.git.is_repository():
            reasons.append(f"{self.destination.folder} has no repository yet")
            remove(self.git.directory)
            self.git.create()
        located = self._find() or self._search(fetching=True)
        signature = require_signature(self.git, self.request.keys, located.ref, located.commit, self.workspace)
        reasons += filter(None, (located.missing,))
        head = self._find_patched(located.commit)
        if head is None:
            head = self.git.patch(located.commit, self.request.patches, self.workspace)
            self.git.keep(self._patched_record(located.commit), head)
            reasons.append(_UNPATCHED)
        self._require_paths(self.git, head)
        path = self._work_tree(head)
        fault = work_tree_fault(self.git, path, head, self.patterns)
        if fault:
            remove(path)
            self.git.add_work_tree(path, head, self.patterns)
        return self._result(
            located,
            self.git.read_commit(located.commit),
            self.git.read_commit(head),
            signature,
            [*reasons, *filter(None, (fault,))],
        )

    def predict(self) -> dict[str, Any]:
        """What :meth:`carry_out` would return, as far as it can be known without fetching. Writes to the workspace only.

        :raises CollectionError: as for :meth:`carry_out`.
        """
        reasons = []
        store = self.git
        exists = store.is_repository()
        if not exists:
            reasons.append(f"{self.destination.folder} has no repository yet")
        located = (self._find() if exists else None) or self._search(fetching=False)
        reasons += filter(None, (located.missing,))
        git = self.git
        if git.directory == self.destination.store:
            if not (exists and git.find_commit(located.commit)):
                return self._unknown(located, reasons)
            git = git.writing_to(_made(os.path.join(self.workspace, "objects")))
        signature = None
        if git.directory == self.destination.store:
            signature = require_signature(git, self.request.keys, located.ref, located.commit, self.workspace)
        head = self._find_patched(located.commit)
        if head is None:
            head = git.patch(located.commit, self.request.patches, self.workspace)
            reasons.append(_UNPATCHED)
        self._require_paths(git, head)
        fault = work_tree_fault(store, self._work_tree(head), head, self.patterns)
        reasons += filter(None, (fault,))
        return self._result(located, git.read_commit(located.commit), git.read_commit(head), signature, reasons)

    # Where the commit is

    def _find(self) -> Located | None:
        """The commit in the store, when no source needs to be asked: it is pinned, or an archive that was imported."""
        request = self.request
        if request.checksum and request.source.kind == ARCHIVE:
            imported = find_imported(self.git, request)
            return self._as_located(imported, imported.commit) if imported else None
        if request.pin is None or not self.git.is_kept(request.pin):
            return None
        if request.ref is None or request.ref == request.pin:
            return Located(Ref(COMMIT, request.pin), request.pin, request.pin)
        for ref in candidates(request.ref):
            if self.git.find_commit(ref.record) == request.pin:
                return Located(ref, request.pin, request.pin)
        return None

    def _search(self, fetching: bool) -> Located:
        """The first source that has the commit; what failed before it is reported."""
        failures: list[str] = []
        for source in self.request.sources:
            try:
                if source.kind == ARCHIVE:
                    located = self._import(source, fetching)
                elif source.kind == BUNDLE:
                    path = local_file(source, self.request.checksum, self.workspace, self.request.timeout)
                    located = self._ask(source, replace(source, address=path), fetching)
                else:
                    located = self._ask(source, source, fetching)
                return replace(located, failures=tuple(failures))
            except SourceFailure as failure:
                failures.append(str(failure))
        wanted = self.request.ref or self.request.pin or "the default branch"
        hint = "" if self.request.pin or self.request.source.kind == ARCHIVE else self._offline_hint()
        raise CollectionError(
            f"No source has {wanted}: {'. '.join(failures)}. Check repo, ref and mirrors.{hint}",
            failures=failures,
        )

    def _offline_hint(self) -> str:
        if self.request.ref and self.git.is_repository():
            for ref in candidates(self.request.ref):
                known = self.git.find_commit(ref.record)
                if known:
                    return f" When it was last asked, {self.request.ref} was {known}: with that as commit no source is needed."
        return ""

    def _ask(self, source: Source, place: Source, fetching: bool) -> Located:
        """Find the ref in a repository or bundle and, when ``fetching``, bring it."""
        request = self.request
        wanted = request.ref if request.ref is not None else request.pin
        if wanted is not None and wanted == request.pin:
            # A server lists refs, not commits; whether it has one shows when it is fetched.
            if not fetching:
                self.git.ask(place, None)
            found = Ref(COMMIT, wanted)
            value = commit = wanted
        else:
            refs = self.git.ask(place, wanted)
            ref = find_ref(wanted, refs)
            if ref is None:
                raise SourceFailure(f"{source}: {explain_missing(wanted, refs)}")
            found, value, commit = ref, refs.objects[ref.name], refs.commit_of(ref.name)
            if request.pin and commit != request.pin:
                raise SourceFailure(
                    f"{source}: {ref.short} is commit {commit}, not {request.pin} as commit demands; it was moved, or this is "
                    "not the source that was meant"
                )
        previous = self.git.find_commit(found.record)
        located = Located(found, commit, previous, source)
        if self.git.find_object(found.record) == value and self.git.is_kept(commit):
            return located
        if previous == commit or previous is None:
            reason = f"{found.kind} {found.short} ({commit}) is not in {self.destination.folder}"
        else:
            reason = f"{found.kind} {found.short}: {previous} -> {commit}"
        if fetching:
            commit = self._fetch(place, found)
        return replace(located, commit=commit, missing=reason)

    def _fetch(self, source: Source, ref: Ref) -> str:
        """Bring a ref and return its commit, which is newer than what was listed when it moved in between."""
        try:
            self.git.fetch(source, [f"+{ref.name}:{ref.record}"], self.request.depth)
        except SourceFailure:
            if ref.kind != COMMIT:
                raise
            # Some servers, and bundles, give no commit by its id: take all they have and look.
            everything = [f"+refs/{kind}/*:{NAMESPACE}/all/{kind}/*" for kind in ("heads", "tags")]
            self.git.fetch(source, everything, None)
            if self.git.find_commit(ref.name) is None:
                raise
            self.git.keep(ref.record, ref.name)
        commit = self.git.find_commit(ref.record)
        if commit is None:
            raise SourceFailure(f"{source}: {ref.short} is not a commit")
        if self.request.pin and commit != self.request.pin:
            raise SourceFailure(f"{source}: {ref.short} is commit {commit}, not {self.request.pin} as commit demands")
        return commit

    def _import(self, source: Source, fetching: bool) -> Located:
        """Make an archive a commit, in the store or (to predict) in the workspace."""
        if not fetching:
            self.git = self.git.at(os.path.join(self.workspace, "scratch.git"))
            if not self.git.is_repository():
                self.git.create()
        imported = import_archive(self.git, self.request, source, self.workspace)
        missing = f"archive {self.request.checksum} is not in {self.destination.folder}"
        return replace(self._as_located(imported, None), source=source, missing=missing)

    def _as_located(self, imported: Imported, previous: str | None) -> Located:
        require_archive_pin(self.request, imported)
        return Located(archive_ref(self.request), imported.commit, previous, recorded=imported.recorded)

    # Patches, work trees

    def _patched_record(self, commit: str) -> str:
        return f"{NAMESPACE}/patched/{commit}-{patches_digest(self.request.patches)}"

    def _find_patched(self, commit: str) -> str | None:
        return self.git.find_commit(self._patched_record(commit)) if self.request.patches else commit

    def _require_paths(self, git: GitClient, head: str) -> None:
        missing = [path for path in self.request.sparse if not git.has_path(head, path)]
        if missing:
            raise CollectionError(
                f"sparse names {', '.join(missing)}, and commit {head} has no such file or folder. Correct sparse."
            )

    def _work_tree(self, head: str) -> str:
        return self.destination.work_tree(worktree_name(head, self.patterns))

    # Results

    def _result(
        self,
        located: Located,
        commit: CommitDetails,
        head: CommitDetails,
        signature: Signature | None,
        reasons: list[str],
    ) -> dict[str, Any]:
        path = self._work_tree(head.commit)
        return {
            **self._report(located, reasons, {"commit": commit.commit, "head": head.commit, "path": path}),
            **commit_result(located.ref, commit),
            **tree_result(head),
            "path": path,
            "signature": vars(signature) if signature else None,
        }

    def _unknown(self, located: Located, reasons: list[str]) -> dict[str, Any]:
        """In check mode, before the commit's objects are here: what the source's list of refs tells, and no more."""
        details = CommitDetails(located.commit, "", 0, {})
        known = commit_result(located.ref, details)
        del known["commit_time"], known["commit_date"]
        after = {"commit": located.commit}
        if not self.request.patches:
            known["head"] = located.commit
            known["path"] = self._work_tree(located.commit)
            after.update(head=known["head"], path=known["path"])
        if not located.missing:
            reasons = [*reasons, f"commit {located.commit} is not in {self.destination.folder}"]
        reasons = [*reasons, *([_UNPATCHED] if self.request.patches else []), NOT_CHECKED_OUT]
        return {**self._report(located, reasons, after), **known, "signature": None}

    def _report(self, located: Located, reasons: list[str], after: dict[str, str]) -> dict[str, Any]:
        before = after if not reasons else {"commit": located.previous} if located.previous else {}
        return {
            "changed": bool(reasons),
            "reasons": reasons,
            "diff": {"before": before, "after": after},
            "dirty": False,
            "source": str(located.source) if located.source else None,
            "failures": list(located.failures),
            "recorded_commit": located.recorded,
        }


def _made(folder: str) -> str:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
