# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving tags to a digest: what must hold before any is moved, and which have to be. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest, platform_descriptors
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference, is_tag


@dataclass(frozen=True)
class TagMove:
    """A tag and where it points before and after; ``before`` is None for a new one."""

    reference: Reference
    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Promotion:
    """All tags of one image's promotion, in the order asked for.

    :param source: the image by its digest.
    :param manifest: what the tags are to point at.
    """

    source: Reference
    manifest: Manifest
    moves: tuple[TagMove, ...]

    @property
    def digest(self) -> str:
        return self.manifest.digest

    @property
    def changed(self) -> bool:
        return any(move.changed for move in self.moves)

    def result(self) -> dict[str, Any]:
        """The keys that ``image_promote`` returns, in check mode too."""
        moved = [move for move in self.moves if move.changed]
        return {
            "changed": self.changed,
            "digest": self.digest,
            "tags": [
                {
                    "tag": move.reference.tag,
                    "reference": str(move.reference),
                    "before": move.before,
                    "after": move.after,
                    "changed": move.changed,
                }
                for move in self.moves
            ],
            "diff": {
                "before": "".join(f"{move.reference} {move.before or 'none'}\n" for move in moved),
                "after": "".join(f"{move.reference} {move.after}\n" for move in moved),
            },
        }


def promotions_result(promotions: Sequence[Promotion]) -> dict[str, Any]:
    """What ``image_promote`` returns of several images: the result of each, and one difference."""
    results = [promotion.result() for promotion in promotions]
    diffs = [result.pop("diff") for result in results]
    return {
        "changed": any(promotion.changed for promotion in promotions),
        "images": results,
        "diff": {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")},
    }


def plan_promotion(
    source: Reference, manifest: Manifest, target: Reference, current: Mapping[str, str | None]
) -> Promotion:
    """Which of the tags in ``current`` (tag -> digest it points at) have to be moved.

    :param source: the image by its digest, whose ``manifest`` it is.
    :param target: any reference in the repository of the tags.
    """
    moves = tuple(TagMove(target.with_tag(tag), before, manifest.digest) for tag, before in current.items())
    return Promotion(source, manifest, moves)


def check_distinct(promotions: Sequence[Promotion]) -> None:
    """:raises CollectionError: one tag is to point at two images."""
    wanted: dict[str, Promotion] = {}
    for promotion in promotions:
        for move in promotion.moves:
            other = wanted.setdefault(str(move.reference), promotion)
            if other.digest != promotion.digest:
                raise CollectionError(
                    f"{move.reference} is asked for twice in images, for {other.source} and for {promotion.source}. A tag points "
                    "at one image: give them tags or a target_repository of their own.",
                    tag=move.reference.tag,
                )


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """:raises CollectionError: there are none, or one that no registry takes."""
    if not tags:
        raise CollectionError("tags is empty. Name the tags that are to point at the image.")
    for tag in tags:
        if not is_tag(tag):
            raise CollectionError(
                f"{tag!r} is no tag: letters, digits, dots, - and _, not starting with a dot or -, and 128 at most.",
                tag=tag,
            )
    return tuple(dict.fromkeys(tags))


def check_platforms(source: Reference, manifest: Manifest, required: Sequence[Platform]) -> dict[Platform, str]:
    """Digests of the manifests that are promoted, by platform.

    :raises CollectionError: a required platform is missing.
    """
    if not manifest.is_index:
        if required:
            raise CollectionError(
                f"{source} is the manifest of one platform, not an index, so the platforms "
                f"{', '.join(map(str, required))} cannot be looked for. Promote the index.",
                reference=str(source),
            )
        return {}
    there = {platform: descriptor["digest"] for platform, descriptor in platform_descriptors(manifest).items()}
    missing = [str(platform) for platform in required if platform not in there]
    if missing:
        raise CollectionError(
            f"{source} lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, there)))}. Build the missing platforms "
            "with image_build.",
            reference=str(source),
            missing_platforms=missing,
        )
    return {platform: there[platform] for platform in required or there}


def check_immutable(promotion: Promotion, patterns: Sequence[str]) -> None:
    """:raises CollectionError: a tag that is set already and must not be moved would be, or a pattern is malformed."""
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise CollectionError(
                f"immutable_tags has {pattern!r}, which is no regular expression: {error}."
            ) from error
        for move in promotion.moves:
            if move.changed and move.before is not None and expression.fullmatch(str(move.reference.tag)):
                raise CollectionError(
                    f"{move.reference} points at {move.before} and may not be moved ({pattern} in immutable_tags). "
                    "Use another tag, or force: true.",
                    tag=move.reference.tag,
                    before=move.before,
                )


def check_records(source: Reference, missing: Mapping[str, str]) -> None:
    """:param missing: record tags that are not there, by platform.

    :raises MissingPrerequisite: there are any.
    """
    if missing:
        raise MissingPrerequisite(
            f"{source} has no record of passed tests for {', '.join(missing)}. Run image_smoke_test with the same tests first.",
            task="image_smoke_test",
            reference=str(source),
            missing_records=dict(missing),
        )
