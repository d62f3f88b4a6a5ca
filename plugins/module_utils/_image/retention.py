# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the builds' own tags a repository no longer needs. Pure.

Tags that are not of the builds' own, such as ``1.0.0`` or ``keep-…``, are people's: they and all that they reach stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import parse_age

PEOPLE = "people"
BUILD = "build"
PLATFORM = "platform"
WORKING = "working"
CACHE = "cache"
FILES = "files"
RECORD = "record"
SIGNATURE = "signature"
PART = "part"

_HEX = "[0-9a-f]{64}"
_OWN = (
    (PLATFORM, re.compile(rf"fp-{_HEX}(-r[0-9]+)?")),
    (RECORD, re.compile(rf"ok-(?P<subject>{_HEX})-[0-9a-f]{{16}}")),
    (CACHE, re.compile(r"cache-[a-z]+-.+")),
    (WORKING, re.compile(r"building-[0-9a-f]{8}-.+")),
    (FILES, re.compile(rf"files-{_HEX}")),
    # As cosign tags, and as clients tag what refers to an image where the registry keeps no list of it.
    (SIGNATURE, re.compile(rf"sha256-(?P<subject>{_HEX})(\.(sig|att|sbom))?")),
)
#: Deleted in this order. What names others goes before them, so that no index is ever without its parts.
_ORDER = (BUILD, PLATFORM, WORKING, CACHE, FILES, SIGNATURE, RECORD, PART)


def kind_of(tag: str) -> str:
    """What a tag is for; an index of all platforms has the same tags as one platform's image."""
    return next((kind for kind, expression in _OWN if expression.fullmatch(tag)), PEOPLE)


def subject_of(tag: str) -> str | None:
    """The digest that a record or a signature is about, which is in its name."""
    for _kind, expression in _OWN:
        match = expression.fullmatch(tag)
        if match and "subject" in expression.groupindex:
            return f"sha256:{match['subject']}"
    return None


def parse_retention_age(text: str) -> int:
    """Seconds of ``30d``, ``12h``, ``2w`` or ``0d``.

    :raises CollectionError: it is no age.
    """
    seconds = 0 if re.fullmatch("0[hdw]", text) else parse_age(text)
    if seconds is None:
        raise CollectionError(f"max_age {text!r} is no age. Write it as 12h, 30d or 2w; 0d is any age.", max_age=text)
    return seconds


@dataclass(frozen=True)
class Held:
    """A manifest, an index or an artifact in a repository.

    :param tags: all of them.
    :param parts: digests of everything below it, attestations included.
    :param images: those of ``parts`` that are images of a platform; itself when it is one.
    :param is_build: whether it is the index of all platforms of a build.
    :param files_tag: where the file list of its inputs is kept, when it is a build.
    """

    digest: str
    tags: tuple[str, ...] = ()
    parts: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    is_build: bool = False
    files_tag: str | None = None

    @property
    def kind(self) -> str:
        """The one that decides, where its tags are of several kinds."""
        kinds = {kind_of(tag) for tag in self.tags}
        if PEOPLE in kinds:
            return PEOPLE
        if self.is_build:
            return BUILD
        return next((kind for kind in _ORDER if kind in kinds), PART)


@dataclass(frozen=True)
class Contents:
    """A repository as it was read.

    :param held: what tags point at, by digest.
    :param protected: digests that tags of other repositories reach.
    :param protected_files: tags of file lists that those need.
    """

    held: Mapping[str, Held]
    protected: frozenset[str] = frozenset()
    protected_files: frozenset[str] = frozenset()

    def reached_by_people(self) -> frozenset[str]:
        """Digests that may not go, whatever their age."""
        return self.protected.union(*(_all(held) for held in self.held.values() if held.kind == PEOPLE))


@dataclass(frozen=True)
class Removal:
    """Something that goes, with all its tags.

    :param built: seconds since 1970; None where its age does not matter.
    """

    digest: str
    kind: str
    tags: tuple[str, ...] = ()
    built: float | None = None


@dataclass(frozen=True)
class Retention:
    """What goes, in the order of deletion, and how much stays.

    :param kept_builds: those that people's tags reach among them.
    :param undated: tags of what tells no age.
    """

    removals: tuple[Removal, ...] = ()
    kept_builds: int = 0
    undated: tuple[str, ...] = ()

    def result(self, repository: str, now: float) -> dict[str, Any]:
        """What ``image_prune`` returns of one repository."""
        return {
            "repository": repository,
            "removed": [
                {
                    "digest": removal.digest,
                    "kind": removal.kind,
                    "tags": list(removal.tags),
                    "age_days": None if removal.built is None else round(max(0.0, now - removal.built) / 86400, 1),
                }
                for removal in self.removals
            ],
            "kept_builds": self.kept_builds,
            "undated": list(self.undated),
        }


def plan_retention(
    contents: Contents,
    built_at: Callable[[Held], float | None],
    now: float,
    max_age: int,
    keep: int,
    cache_max_age: int,
) -> Retention:
    """Builds go that are older than ``max_age``, except the ``keep`` newest; with them goes what only they needed.

    :param built_at: when something was made, in seconds since 1970, as ``now``; None where nothing tells, so that it stays.
        Asked only of what would go by its age.
    :param max_age: seconds.
    :param cache_max_age: seconds since the newest step of a cache.
    """
    dates: dict[str, float | None] = {}

    def date(held: Held) -> float:
        if held.digest not in dates:
            dates[held.digest] = built_at(held)
        known = dates[held.digest]
        return now if known is None else known

    def is_old(held: Held, age: int = max_age) -> bool:
        return now - date(held) > age

    reached = contents.reached_by_people()
    builds = [held for held in contents.held.values() if held.kind == BUILD]
    free = sorted((held for held in builds if held.digest not in reached), key=lambda held: (-date(held), held.digest))
    gone = {held.digest for held in free[keep:] if is_old(held)}
    needed = reached.union(*(_all(held) for held in builds if held.digest not in gone))
    files = contents.protected_files.union(
        held.files_tag for held in contents.held.values() if held.files_tag and held.digest not in gone
    )
    for held in contents.held.values():
        goes = {
            PLATFORM: lambda held: not _is_needed(held, needed) and is_old(held),
            WORKING: lambda held: not _is_needed(held, needed) and is_old(held),
            CACHE: lambda held: held.digest not in needed and is_old(held, cache_max_age),
            FILES: lambda held: held.digest not in needed and not files.intersection(held.tags),
        }.get(held.kind)
        if goes and goes(held):
            gone.add(held.digest)
    staying = needed.union(*(_all(held) for held in contents.held.values() if _keeps_parts(held, gone)))
    gone |= _parts_of(contents, gone) - staying
    records = [held for held in contents.held.values() if held.kind == RECORD]
    gone |= {held.digest for held in records if held.digest not in staying | gone and is_old(held)}
    signatures = [held for held in contents.held.values() if held.kind == SIGNATURE]
    gone |= {held.digest for held in signatures if any(subject_of(tag) in gone for tag in held.tags)}
    removals = [_removal(contents, digest, dates) for digest in gone]
    return Retention(
        tuple(sorted(removals, key=lambda removal: (_ORDER.index(removal.kind), removal.tags, removal.digest))),
        sum(held.is_build and held.digest not in gone for held in contents.held.values()),
        tuple(
            sorted(tag for held in contents.held.values() if dates.get(held.digest, now) is None for tag in held.tags)
        ),
    )


def _keeps_parts(held: Held, gone: set[str]) -> bool:
    """Whether it keeps its parts. A record is a tag on a part, and does not keep it."""
    return held.digest not in gone and held.kind not in (RECORD, SIGNATURE, PART)


def _parts_of(contents: Contents, digests: set[str]) -> set[str]:
    return {part for digest in digests if digest in contents.held for part in contents.held[digest].parts}


def _removal(contents: Contents, digest: str, dates: Mapping[str, float | None]) -> Removal:
    held = contents.held.get(digest) or Held(digest)
    return Removal(digest, held.kind, held.tags, dates.get(digest))


def _is_needed(held: Held, needed: frozenset[str]) -> bool:
    """A platform's own index is needed with the image in it: others merge it without building."""
    return held.digest in needed or bool(held.images & needed)


def _all(held: Held) -> frozenset[str]:
    return held.parts | {held.digest}
