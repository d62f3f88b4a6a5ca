# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refs: names that are safe, what a source's list of refs says about one, and the version that follows. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Iterable, Mapping
from urllib.parse import quote

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

TAG = "tag"
BRANCH = "branch"
COMMIT = "commit"
OTHER = "ref"
IMPORTED = "archive"

SHORT = 12
"""Digits of a commit in a worktree's name and in a version."""

# Ours alone, so that fetching moves nothing that a user of the store has made.
NAMESPACE = "refs/imagefleet"

_FULL_COMMIT = re.compile(r"[0-9a-f]{40}")
_PART_OF_COMMIT = re.compile(r"[0-9a-f]{7,39}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|^[-/]|[/.]$|^@$")
_RELEASE = re.compile(r"v?\d+(\.\d+)+([-.+_]?[0-9A-Za-z.]+)*")
_UNSAFE_IN_VERSION = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class RemoteRefs:
    """The refs of a source, by full name, and its default branch.

    :param objects: full name -> object id; of an annotated tag that is the tag object.
    :param peeled: full name of an annotated tag -> commit.
    """

    objects: Mapping[str, str]
    peeled: Mapping[str, str]
    default: str | None = None

    def commit_of(self, name: str) -> str:
        return self.peeled.get(name, self.objects[name])


@dataclass(frozen=True)
class Ref:
    """A ref that exists.

    :param kind: :data:`TAG`, :data:`BRANCH`, :data:`COMMIT` or :data:`OTHER`.
    :param name: the full name (``refs/tags/1.0``), or the commit.
    """

    kind: str
    name: str

    @property
    def short(self) -> str:
        """The name as a user writes it: ``1.0``."""
        return re.sub(r"^refs/(tags/|heads/)?", "", self.name)

    @property
    def record(self) -> str:
        """Where the store keeps it. Slashes are escaped: a branch ``a`` may go and ``a/b`` come."""
        return f"{NAMESPACE}/{self.kind}/{quote(self.short, safe='')}"


def parse_refs(listing: str) -> RemoteRefs:
    """Parse ``git ls-remote [--symref]``: object id, tab, name; ``^{}`` marks the commit of an annotated tag."""
    objects: dict[str, str] = {}
    peeled: dict[str, str] = {}
    default = None
    for line in listing.splitlines():
        value, tab, name = line.partition("\t")
        if not tab:
            continue
        if value.startswith("ref: "):
            default = value[5:]
        elif name.endswith("^{}"):
            peeled[name[:-3]] = value
        else:
            objects[name] = value
    return RemoteRefs(objects, peeled, default)


def is_commit(text: str) -> bool:
    """Whether this is a full commit id, 40 lower-case hexadecimal digits."""
    return bool(_FULL_COMMIT.fullmatch(text))


def require_ref(text: str) -> str:
    """``text``, when it can be a ref; a commit in lower case.

    The rules are those of ``git check-ref-format``, so nothing that Git takes for an option or an expression passes.

    :raises CollectionError: it cannot.
    """
    if not text or _FORBIDDEN.search(text):
        raise CollectionError(
            f"ref is {text!r}, which cannot be the name of a tag or branch: it is empty, starts with a dash or slash, or "
            "holds a space, a control character or one of ~^:?*[\\ (the rules of git check-ref-format). "
            "Give a tag, a branch, or a commit of 40 digits."
        )
    return text.lower() if is_commit(text.lower()) else text


def require_commit(text: str) -> str:
    """``text`` in lower case, when it is a full commit id.

    :raises CollectionError: it is not.
    """
    if not is_commit(text.lower()):
        raise CollectionError(f"commit is {text!r}, not 40 hexadecimal digits. Give the full commit id.")
    return text.lower()


def candidates(ref: str) -> tuple[Ref, ...]:
    """What ``ref`` may mean, in Git's order: a commit, a full name, a tag, a branch."""
    if is_commit(ref):
        return (Ref(COMMIT, ref),)
    if ref.startswith("refs/"):
        kind = TAG if ref.startswith("refs/tags/") else BRANCH if ref.startswith("refs/heads/") else OTHER
        return (Ref(kind, ref),)
    return (Ref(TAG, f"refs/tags/{ref}"), Ref(BRANCH, f"refs/heads/{ref}"))


def find_ref(ref: str | None, refs: RemoteRefs) -> Ref | None:
    """The ref of that name in a source, or its default branch for None."""
    if ref is None:
        return Ref(BRANCH, refs.default) if refs.default and refs.default in refs.objects else None
    return next((found for found in candidates(ref) if found.name in refs.objects), None)


def explain_missing(ref: str | None, refs: RemoteRefs) -> str:
    """Why a ref is not found in a source, with the names that a user may have meant."""
    if ref is None:
        return "it has no default branch; give ref"
    if _PART_OF_COMMIT.fullmatch(ref):
        return f"it has no tag or branch {ref}; if that is a commit, give all 40 digits"
    near = near_names(
        ref, (Ref(TAG, name).short for name in refs.objects if name.startswith(("refs/tags/", "refs/heads/")))
    )
    if near:
        return f"it has no ref {ref}, but has {', '.join(near)}"
    return f"it has no ref {ref}" + ("" if refs.objects else "; it is empty")


def near_names(ref: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three names that look like ``ref``: the same but for ``v`` or case first, then by similarity."""
    known = sorted(set(names))
    plain = _plain(ref)
    same = [name for name in known if _plain(name) == plain]
    similar = difflib.get_close_matches(ref, known, n=3, cutoff=0.7)
    return tuple(dict.fromkeys([*same, *similar]))[:3]


def _plain(name: str) -> str:
    lowered = name.rpartition("/")[2].lower()
    return lowered[1:] if re.match(r"v\d", lowered) else lowered


def version_of(ref: Ref, commit: str) -> str:
    """The tag's name, ``branch-shortcommit``, or the short commit; only characters that a registry's tag may have."""
    if ref.kind in (TAG, IMPORTED):
        return _UNSAFE_IN_VERSION.sub("-", ref.short)
    if ref.kind == COMMIT:
        return commit[:SHORT]
    return f"{_UNSAFE_IN_VERSION.sub('-', ref.short)}-{commit[:SHORT]}"


def looks_like_release(ref: str) -> bool:
    """Whether a ref is named like a released version: ``1.0.0``, ``v2.1-rc.1``."""
    return bool(_RELEASE.fullmatch(ref.rpartition("/")[2]))
