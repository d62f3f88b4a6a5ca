# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build context as a value: what files it has, which of them a build can see, and its digest."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass
from typing import Iterable, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import IgnoreRules, parse_ignore

FILE = "file"
LINK = "link"
MODULE = "submodule"


@dataclass(frozen=True, order=True)
class Entry:
    """A file or link of a context.

    :param path: relative to the context, with ``/``.
    :param kind: ``file``, ``link`` or ``submodule``.
    :param executable: the executable bit, the only part of a mode that counts.
    :param id: a file's Git blob id (40 hex); a link's target; a submodule's commit.
    """

    path: str
    kind: str
    executable: bool
    id: str


def context_digest(entries: Iterable[Entry]) -> str:
    """``sha256:…`` over the sorted (path, kind, executable bit, id), each field ended by a NUL byte.

    The same value whether the entries come from a Git tree or from files on disk.
    """
    digest = hashlib.sha256()
    for entry in sorted(entries):
        for field in (entry.path, entry.kind, "x" if entry.executable else "-", entry.id):
            digest.update(field.encode("utf-8", "surrogateescape") + b"\0")
    return f"sha256:{digest.hexdigest()}"


def blob_id(content: bytes) -> str:
    """The id Git gives a file with this content (SHA-1, 40 hex)."""
    # Git's object ids are SHA-1 by definition; nothing here relies on it for security.
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def ignore_file_names(dockerfile: str) -> tuple[str, ...]:
    """Where the ignore rules may stand, in BuildKit's order: beside the Dockerfile first, then the context's root.

    :param dockerfile: the Dockerfile's path relative to the context.
    """
    return (f"{dockerfile}.dockerignore", ".dockerignore")


def visible_entries(
    entries: Sequence[Entry], rules: IgnoreRules, copied: Sequence[str] | None, at_root: bool
) -> tuple[Entry, ...]:
    """What is left of a context for a build.

    :param rules: of the ignore file that applies.
    :param copied: patterns of what the Dockerfile copies, None when unknown.
    :param at_root: whether the context is the source's root. Without a whitelist such a context is narrowed to what
        is copied, so that a change to one component does not rebuild another.
    """
    kept = [entry for entry in entries if not rules.excludes(entry.path)]
    if at_root and copied is not None and not rules.is_whitelist and "." not in copied:
        wanted = parse_ignore("\n".join(copied))
        kept = [entry for entry in kept if wanted.excludes(entry.path)]
    return tuple(kept)


def escaping_links(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Paths of links that lead out of the context; a build sees them as broken."""
    return tuple(
        entry.path
        for entry in entries
        if entry.kind == LINK
        and (
            entry.id.startswith("/")
            or posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.id)).startswith("..")
        )
    )
