# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's own folder, taken as it is and never written to."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import GitClient
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import (
    BRANCH,
    COMMIT,
    TAG,
    Ref,
    candidates,
    looks_like_release,
    version_of,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.request import CheckoutRequest
from ansible_collections.imagefleet.dify.plugins.module_utils._git.result import commit_result, tree_result


def read_folder(git: GitClient, request: CheckoutRequest) -> dict[str, Any]:
    """The module's result for a folder: HEAD's commit, and whether the contents are that commit's.

    :raises CollectionError: it is dirty and asked for as a release, or HEAD is not what was asked for.
    """
    path = request.source.address
    if not os.path.isdir(path):
        raise MissingPrerequisite(
            f"repo is {path}, which is not a folder on this host. Correct the path.", task=f"the task that makes {path}"
        )
    tree = git.at(os.path.join(path, ".git"), path)
    head = tree.find_commit("HEAD") if os.path.lexists(tree.directory) else None
    dirty = head is None or bool(tree.differences(ignored=False))
    _require_wanted(request, tree, head, dirty)
    result: dict[str, Any] = {
        "changed": False,
        "reasons": [],
        "diff": {"before": {"path": path}, "after": {"path": path}},
        "path": path,
        "dirty": dirty,
        "source": path,
        "failures": [],
        # What is in a dirty folder has no tree id before somebody commits it.
        "head": None,
    }
    if head is None:
        return {**result, "commit": None, "version": f"{os.path.basename(path)}+dirty"}
    ref = _ref_of_head(tree, head)
    details = tree.read_commit(head)
    result.update(commit_result(ref, details))
    if dirty:
        return {**result, "version": f"{version_of(ref, head)}+dirty"}
    return {**result, **tree_result(details)}


def uncommitted(git: GitClient, request: CheckoutRequest) -> tuple[str, ...]:
    """A warning when the repository is a folder with changes that a checkout leaves out."""
    path = request.source.address
    tree = git.at(os.path.join(path, ".git"), path)
    if request.source.is_remote or not tree.is_repository():
        return ()
    differences = tree.differences(ignored=False)
    if not differences:
        return ()
    return (
        f"{path} has changes in {len(differences)} files that are in no commit, and so not in what is checked out. "
        "Commit them, or use allow_dirty.",
    )


def _ref_of_head(tree: GitClient, head: str) -> Ref:
    tag, branch = tree.describe_head()
    if tag:
        return Ref(TAG, f"refs/tags/{tag}")
    return Ref(BRANCH, f"refs/heads/{branch}") if branch else Ref(COMMIT, head)


def _require_wanted(request: CheckoutRequest, tree: GitClient, head: str | None, dirty: bool) -> None:
    path, ref = request.source.address, request.ref
    wanted = request.pin or ref
    if wanted is None:
        return
    found = [(item, tree.find_commit(item.name)) for item in candidates(ref or wanted)] if head else []
    existing = [(item.kind, commit) for item, commit in found if commit]
    is_release = bool(ref) and (looks_like_release(ref or "") or (existing and existing[0][0] == TAG))
    if dirty and is_release:
        raise CollectionError(
            f"{path} has changes that are not committed, and ref asks for the release {ref}: a release is built from its "
            "commit. Leave allow_dirty out, or ask for no release.",
            dirty=True,
            path=path,
        )
    commits = {request.pin, existing[0][1] if existing else None} - {None}
    if commits != {head}:
        raise CollectionError(
            f"{path} is at commit {head or 'none'}, and {wanted} is {', '.join(sorted(filter(None, commits))) or 'not in it'}. "
            "A user's folder is never changed: check that out in it, or leave allow_dirty out.",
            path=path,
        )
