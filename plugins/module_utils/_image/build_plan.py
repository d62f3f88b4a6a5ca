# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image needs: nothing, a merged index, or builds of some platforms, each with its reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import explain
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import Record
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import ResolvedImage
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest, platform_descriptors
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform


@dataclass(frozen=True)
class Found:
    """What the store holds for an image.

    :param index: under the fingerprint of all platforms.
    :param platforms: under each platform's own fingerprint; asked for only when there is no index.
    :param previous: the record of what ``compare_to`` points at.
    :param previous_files: the file lists that go with that record, by context.
    :param compared: whether ``compare_to`` points at anything.
    """

    index: Manifest | None = None
    platforms: Mapping[str, Manifest] = field(default_factory=dict)
    previous: Record | None = None
    previous_files: Mapping[str, Mapping[str, str]] | None = None
    compared: bool = False


@dataclass(frozen=True)
class PlatformPlan:
    """One platform of an image: found under its fingerprint, or to be built for ``reasons``."""

    platform: str
    fingerprint: str
    tag: str
    manifest: Manifest | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImagePlan:
    """One image: what is there, what is to be built, and where it goes."""

    resolved: ResolvedImage
    tag: str
    index: Manifest | None
    platforms: tuple[PlatformPlan, ...]

    @property
    def missing(self) -> tuple[PlatformPlan, ...]:
        """Platforms to build."""
        return () if self.index else tuple(plan for plan in self.platforms if plan.manifest is None)

    @property
    def changed(self) -> bool:
        """Whether anything is to be built or merged."""
        return self.index is None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason once; one that does not hold for all missing platforms names those for which it does."""
        missing = self.missing
        found: dict[str, list[str]] = {}
        for plan in missing:
            for reason in plan.reasons:
                found.setdefault(reason, []).append(plan.platform)
        return tuple(
            reason if len(platforms) == len(missing) else f"{reason} ({', '.join(platforms)})"
            for reason, platforms in found.items()
        )

    def result(self) -> dict[str, Any]:
        """What ``image_build`` returns of this image before anything is built; digests only where they are known."""
        request = self.resolved.request
        reference = str(request.repository.with_tag(self.tag))
        result: dict[str, Any] = {
            "name": request.name,
            "reference": f"{reference}@{self.index.digest}" if self.index else reference,
            "fingerprint": self.resolved.fingerprint,
            "built": bool(self.missing),
            "merged": self.changed,
            "reasons": list(self.reasons),
            "platforms": [self._platform_result(plan) for plan in self.platforms],
            "log": "",
            "bases": [dict(base) for base in self.resolved.bases],
            "apt_pins": list(self.resolved.apt_pins),
        }
        if self.index:
            result["digest"] = self.index.digest
        return result

    def _platform_result(self, plan: PlatformPlan) -> dict[str, Any]:
        result: dict[str, Any] = {
            "platform": plan.platform,
            "fingerprint": plan.fingerprint,
            "built": plan in self.missing,
            "reasons": list(plan.reasons),
            "compiled_packages": list(self.resolved.compiled.get(parse_platform(plan.platform).architecture, ())),
        }
        holder = self.index or plan.manifest
        if holder:
            result.update(platform_facts(holder, plan.platform))
        return result


def platform_facts(holder: Manifest, platform: str) -> dict[str, Any]:
    """Digest of one platform's manifest, as an index names it."""
    if not holder.is_index:
        return {"digest": holder.digest}
    descriptor = platform_descriptors(holder).get(parse_platform(platform))
    if descriptor is None:
        raise CollectionError(f"The index {holder.digest} has no manifest for {platform}.", platform=platform)
    return {"digest": descriptor["digest"]}


def holds(manifest: Manifest, platforms: list[str]) -> bool:
    """Whether an index has a manifest for each of ``platforms``."""
    there = platform_descriptors(manifest) if manifest.is_index else {}
    return all(parse_platform(platform) in there for platform in platforms)


def plan_image(resolved: ResolvedImage, found: Found, suffix: str = "") -> ImagePlan:
    """Plan one image.

    :param suffix: ``-r2`` and so on for a rebuild that must not overwrite, else empty.
    :raises CollectionError: something is missing and ``rebuild`` is ``never``.
    """
    plans = []
    for platform, fingerprint in resolved.fingerprints.items():
        manifest = found.platforms.get(platform)
        reasons = () if found.index or manifest else _reasons(resolved, platform, found)
        plans.append(PlatformPlan(platform, fingerprint, f"fp-{fingerprint}{suffix}", manifest, reasons))
    plan = ImagePlan(resolved, f"fp-{resolved.fingerprint}{suffix}", found.index, tuple(plans))
    if plan.missing and resolved.request.rebuild == "never":
        raise CollectionError(
            f"Image {resolved.request.name!r} would have to be built for "
            f"{', '.join(missing.platform for missing in plan.missing)}, and rebuild is never: {'; '.join(plan.reasons)}.",
            image=resolved.request.name,
            reasons=list(plan.reasons),
        )
    return plan


def _reasons(resolved: ResolvedImage, platform: str, found: Found) -> tuple[str, ...]:
    forced = ["rebuild: always"] if resolved.request.rebuild == "always" else []
    if found.compared and found.previous is None:
        return (*forced, f"first build: {resolved.request.compare_to} has no record of its inputs")
    previous = found.previous.inputs_of(platform) if found.previous else None
    if found.previous and previous is None:
        return (*forced, f"platform {platform}: added")
    reasons = explain(resolved.inputs[platform], previous, found.previous_files, resolved.request.context_name)
    if not reasons and not forced:
        reasons = ["not in the registry under its fingerprint"]
    return (*forced, *reasons)
