# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asks of source_checkout, checked and as values; names that follow from it. Pure but for reading given files."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive import Checksum, parse_checksum
from ansible_collections.imagefleet.dify.plugins.module_utils._git.environment import SshAccess
from ansible_collections.imagefleet.dify.plugins.module_utils._git.patch import Patch, read_patches
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import (
    SHORT,
    is_commit,
    require_commit,
    require_ref,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.signature import Keys, read_keys
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import (
    ARCHIVE,
    BUNDLE,
    REPOSITORY,
    Credentials,
    Source,
    parse_source,
    require_one_kind,
)


@dataclass(frozen=True)
class CheckoutRequest:
    """A wish that is complete and free of contradictions.

    :param sources: where to look, in order; the first is what the user named, the rest are mirrors.
    :param ref: None for the default branch.
    :param pin: the commit that it must be.
    :param sparse: relative paths; none for all files.
    """

    sources: tuple[Source, ...]
    dest: str | None
    ref: str | None
    pin: str | None
    checksum: Checksum | None
    patches: tuple[Patch, ...]
    depth: int | None
    sparse: tuple[str, ...]
    keys: Keys
    ssh: SshAccess
    allow_dirty: bool

    @property
    def source(self) -> Source:
        return self.sources[0]

    @property
    def timeout(self) -> int:
        return self.ssh.timeout

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be seen in a result or log."""
        return frozenset(s.credentials.password for s in self.sources if s.credentials and s.credentials.password)


def checkout_request(params: Mapping[str, Any]) -> CheckoutRequest:
    """The request that a module's parameters make.

    :raises CollectionError: something in them is malformed, or they contradict each other.
    """
    ref = None if params["ref"] is None else require_ref(params["ref"])
    pin = None if params["commit"] is None else require_commit(params["commit"])
    if ref and is_commit(ref):
        if pin and pin != ref:
            raise CollectionError(f"ref is the commit {ref}, and commit is {pin}. Give one of them, or the same twice.")
        pin = ref
    request = CheckoutRequest(
        sources=_sources(params),
        dest=params["dest"] and os.path.abspath(params["dest"]),
        ref=ref,
        pin=pin,
        checksum=None if params["checksum"] is None else parse_checksum(params["checksum"]),
        patches=read_patches(params["patches"] or ()),
        depth=_depth(params["depth"]),
        sparse=tuple(sorted({_sparse_path(path) for path in params["sparse"] or ()})),
        keys=read_keys(params["verify_keys"] or ()),
        ssh=SshAccess(params["key_file"], params["known_hosts"], params["timeout"]),
        allow_dirty=params["allow_dirty"],
    )
    _require_sense(request)
    return request


def _sources(params: Mapping[str, Any]) -> tuple[Source, ...]:
    option = "archive" if params["archive"] else "repo"
    credentials = None
    if params["username"] is not None:
        if re.search(r"[\x00\r\n]", params["username"] + (params["password"] or "")):
            raise CollectionError("username or password holds a line break, which Git cannot send. Correct them.")
        credentials = Credentials(params["username"], params["password"] or "")
    first = parse_source(params[option], option, credentials)
    kind = "archive" if first.kind == ARCHIVE else "mirrors"
    mirrors = []
    for mirror in params["mirrors"] or ():
        source = parse_source(mirror, "mirrors" if kind == "mirrors" else _archive_or_mirror(mirror))
        # Credentials go to the server that they are for, and to no other that happens to ask.
        same_server = source.is_http and first.is_http and source.server == first.server
        if same_server and not source.credentials:
            source = Source(source.address, source.kind, first.credentials)
        mirrors.append(source)
    sources = (first, *mirrors)
    require_one_kind(sources)
    return sources


def _archive_or_mirror(mirror: str) -> str:
    """A mirror of an archive whose name says nothing is an archive, unless it is named like a repository."""
    return "mirrors" if mirror.rstrip("/").endswith(".git") else "archive"


def _depth(depth: int | None) -> int | None:
    if depth is not None and depth < 1:
        raise CollectionError(
            f"depth is {depth}, and a history has at least one commit. Give 1 or more, or leave it out."
        )
    return depth


def _sparse_path(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or not parts or ".." in parts or not path.isprintable():
        raise CollectionError(
            f"sparse: {path!r} is no path in the source. Give folders and files relative to its root."
        )
    return "/".join(parts)


def _require_sense(request: CheckoutRequest) -> None:
    kind = request.source.kind
    if request.allow_dirty:
        refused = {
            "patches": request.patches,
            "sparse": request.sparse,
            "depth": request.depth,
            "verify_keys": request.keys != Keys(),
            "checksum": request.checksum,
            "mirrors": request.sources[1:],
        }
        named = [option for option, value in refused.items() if value]
        if named:
            raise CollectionError(
                f"allow_dirty takes a folder as it is, and {', '.join(named)} would need a checkout. Leave one of them out."
            )
        if request.source.is_remote or kind != REPOSITORY:
            raise CollectionError(
                f"allow_dirty takes a folder of this host, and repo is {request.source}. Give the folder's absolute path."
            )
        return
    if not request.dest:
        raise CollectionError(
            "dest is missing: the folder that is to hold the source. Only allow_dirty works without it."
        )
    if kind == ARCHIVE and not request.checksum:
        raise CollectionError(
            f"{request.source} is an archive, and checksum is missing: nothing else says what is in it. "
            "Give its checksum, such as sha256:<64 hex> (sha256sum prints it)."
        )
    if kind not in (ARCHIVE, BUNDLE) and request.checksum:
        raise CollectionError(
            f"checksum is for archives and bundles, and {request.source} is a repository. Pin it by commit instead."
        )
    if kind == ARCHIVE and request.keys != Keys():
        raise CollectionError(f"{request.source} is an archive, in which no commit is signed. Leave verify_keys out.")


def sparse_patterns(paths: Sequence[str]) -> str:
    """Lines of a ``sparse-checkout`` file (the syntax of gitignore) that name exactly these folders and files."""
    return "".join("/" + re.sub(r"([\\*?\[ ])", r"\\\1", path) + "\n" for path in paths)


def worktree_name(head: str, patterns: str) -> str:
    """The folder below ``worktrees``: one for each commit, and for each choice of paths of it."""
    if not patterns:
        return head[:SHORT]
    return f"{head[:SHORT]}-{hashlib.sha256(patterns.encode()).hexdigest()[:8]}"
