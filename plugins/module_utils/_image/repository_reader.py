# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository read for its retention: what its tags reach, and when that was built."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.description import stored_config
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import files_tag, parse_record
from ansible_collections.imagefleet.dify.plugins.module_utils._image.registry_cache import cache_config
from ansible_collections.imagefleet.dify.plugins.module_utils._image.retention import (
    CACHE,
    PEOPLE,
    RECORD,
    SIGNATURE,
    Contents,
    Held,
    kind_of,
    subject_of,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import RegistryStore, find_provenance
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest, platform_descriptors
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

_TIME = re.compile(r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")


@dataclass
class RepositoryReader:
    """Reads repositories, each manifest once.

    :param manifests: those that were read, by repository and digest.
    """

    client: RegistryClient
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)

    def read(self, repository: Reference, protected_by: Iterable[Reference]) -> Contents:
        """What is in a repository, as its tags tell.

        :param protected_by: other repositories, of which what people's tags reach stays here too.
        """
        held = self._held(repository, self.client.list_tags(repository))
        others = [each for other in protected_by for each in self.people(other).values()]
        return Contents(
            held,
            frozenset().union(*(each.parts | {each.digest} for each in others)),
            frozenset(each.files_tag for each in others if each.files_tag),
        )

    def people(self, repository: Reference) -> dict[str, Held]:
        """What people's tags point at."""
        tags = [tag for tag in self.client.list_tags(repository) if kind_of(tag) == PEOPLE]
        return self._held(repository, tags)

    def built_at(self, repository: Reference, held: Held) -> float | None:
        """When it was built, in seconds since 1970; None when nothing tells."""
        store = RegistryStore(self.client, repository)
        manifest = self.manifests.get((repository.name, held.digest)) or self.client.find_manifest(
            repository.with_digest(held.digest)
        )
        if manifest is None:
            return None
        if held.kind == CACHE:
            return cache_time(store, manifest)
        for platform in platform_descriptors(manifest):
            finished = finished_on(find_provenance(store, manifest, str(platform)) or {})
            if finished is not None:
                return finished
        images = [store.get(digest) for digest in sorted(held.images)] if manifest.is_index else [manifest]
        created = [seconds(stored_config(image, store).get("created")) for image in images]
        return max((each for each in created if each is not None), default=None)

    def _held(self, repository: Reference, tags: Iterable[str]) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for tag in tags:
            digest = self._digest(repository, tag)
            if digest is None:
                continue  # Somebody removed it meanwhile.
            known = found.get(digest)
            found[digest] = (
                replace(known, tags=(*known.tags, tag)) if known else self._described(repository, digest, tag)
            )
        return found

    def _digest(self, repository: Reference, tag: str) -> str | None:
        kind = kind_of(tag)
        if kind == RECORD:
            return subject_of(tag)
        if kind == SIGNATURE:
            return self.client.find_digest(repository.with_tag(tag))
        manifest = self.client.find_manifest(repository.with_tag(tag))
        if manifest is None:
            return None
        self.manifests[(repository.name, manifest.digest)] = manifest
        return manifest.digest

    def _described(self, repository: Reference, digest: str, tag: str) -> Held:
        if kind_of(tag) in (RECORD, SIGNATURE):
            return Held(digest, (tag,), images=frozenset({digest}))
        manifest = self._get(repository, digest)
        record = parse_record(manifest.annotations)
        images = {descriptor["digest"] for descriptor in platform_descriptors(manifest).values()}
        return Held(
            digest,
            (tag,),
            frozenset(self._parts(repository, manifest)),
            frozenset(images or {digest}),
            record is not None,
            files_tag(record.inputs) if record else None,
        )

    def _parts(self, repository: Reference, manifest: Manifest) -> Iterable[str]:
        for descriptor in manifest.document.get("manifests") or []:
            yield descriptor["digest"]
            if "index" in descriptor.get("mediaType", "") or "list" in descriptor.get("mediaType", ""):
                yield from self._parts(repository, self._get(repository, descriptor["digest"]))

    def _get(self, repository: Reference, digest: str) -> Manifest:
        key = (repository.name, digest)
        if key not in self.manifests:
            self.manifests[key] = self.client.get_manifest(repository.with_digest(digest))
        return self.manifests[key]


def finished_on(provenance: Mapping[str, Any]) -> float | None:
    """When a build ended, by its SLSA predicate of version 0.2 or 1; None when it does not say."""
    old = provenance.get("metadata") or {}
    new = (provenance.get("runDetails") or {}).get("metadata") or {}
    return seconds(old.get("buildFinishedOn") or new.get("finishedOn"))


def cache_time(store: RegistryStore, manifest: Manifest) -> float | None:
    """When the newest step in a cache was made; None for what is no cache."""
    config = cache_config(manifest)
    if config is None:
        return None
    cache = json.loads(store.blob(config))
    results = [result for record in cache.get("records") or [] for result in record.get("layers") or []]
    made = [seconds(result.get("createdAt")) for result in results]
    return max((each for each in made if each is not None), default=None)


def seconds(text: str | None) -> float | None:
    """Seconds since 1970 of a time such as ``2026-01-02T03:04:05.678901234Z``; None when it is none."""
    match = _TIME.fullmatch(text or "")
    if not match:
        return None
    zone = "+00:00" if match["zone"] == "Z" else match["zone"]
    return datetime.fromisoformat(match["whole"] + zone).timestamp() + float(match["fraction"] or 0)
