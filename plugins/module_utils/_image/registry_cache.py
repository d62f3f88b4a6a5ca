# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Caches of builds in the registry: under which tag, and that one that was written anew leaves no trace of the old one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

_CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


def cache_reference(repository: Reference, recipe: str, platform: str) -> Reference:
    """Where the steps of an image on a platform are, for every builder that reaches the registry."""
    return repository.with_tag(f"cache-{recipe}-{platform.replace('/', '-')}")


def cache_config(manifest: Manifest) -> str | None:
    """Digest of what describes the steps of a cache; None for what is no cache.

    Format: https://github.com/moby/buildkit/blob/master/cache/remotecache/v1/spec.go
    """
    document = manifest.document
    entries = [document.get("config"), *(document.get("manifests") or []), *(document.get("layers") or [])]
    return next((entry["digest"] for entry in entries if entry and entry.get("mediaType") == _CACHE_CONFIG), None)


@dataclass
class OverwrittenCaches:
    """What cache tags pointed at before builds wrote them anew.

    A manifest without a tag is listed nowhere, so that nobody could remove it later, and its layers would stay for ever.
    """

    client: RegistryClient
    before: dict[Reference, str] = field(default_factory=dict)

    def remember(self, references: Iterable[Reference]) -> None:
        """Look at the tags. One that somebody put on an image is none of ours."""
        for reference in references:
            manifest = self.client.find_manifest(reference)
            if manifest is not None and cache_config(manifest) is not None:
                self.before[reference] = manifest.digest

    def remove(self) -> None:
        """Remove those that their tags do not point at any more, where the registry lets us: a build is good without that."""
        for reference, digest in self.before.items():
            try:
                if self.client.find_digest(reference) not in (None, digest):
                    self.client.delete_manifest(reference.with_digest(digest))
            except CollectionError:
                continue
