# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where built images go and are found again: a registry's repository, or an OCI layout folder.

Both hold manifests under tags, so that planning and merging know only this interface. The engine, which keeps images
whole and under labels, has its own in ``engine_output.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import dataclass
from typing import Any, Mapping, Protocol

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import FILES_MEDIA_TYPE
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_MANIFEST,
    Manifest,
    attestation_descriptors,
    json_manifest,
    platform_descriptors,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

_EMPTY_CONFIG = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_PROVENANCE = "https://slsa.dev/provenance/"


class ImageStore(Protocol):
    """A place for manifests and blobs of one repository."""

    def find(self, tag: str) -> Manifest | None:
        """What ``tag`` points at, or None."""

    def get(self, digest: str) -> Manifest:
        """:raises CollectionError: it is not there."""

    def put(self, tag: str, manifest: Manifest) -> None:
        """Point ``tag`` at ``manifest``, whose children are there already."""

    def blob(self, digest: str) -> bytes:
        """The content of a small blob."""

    def put_blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Store a blob and return its descriptor."""

    def output(self, target: str, attributes: str) -> tuple[str, tuple[str, ...]]:
        """``--output`` and tags of a build whose result is to land here."""

    def collect(self, target: str, digest: str) -> Manifest:
        """The result of that build, in this store."""


@dataclass(frozen=True)
class RegistryStore:
    """A repository in a registry.

    A build pushes to a tag of this host's own, which nobody reads: the digest counts. Only then is the ``fp-`` tag set,
    unless somebody else was faster.
    """

    client: RegistryClient
    repository: Reference

    def find(self, tag: str) -> Manifest | None:
        return self.client.find_manifest(self.repository.with_tag(tag))

    def get(self, digest: str) -> Manifest:
        return self.client.get_manifest(self.repository.with_digest(digest))

    def put(self, tag: str, manifest: Manifest) -> None:
        self.client.put_manifest(self.repository.with_tag(tag), manifest)

    def blob(self, digest: str) -> bytes:
        return self.client.get_blob(self.repository, digest)

    def put_blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        return self.client.put_blob(self.repository, data, media_type)

    def output(self, target: str, attributes: str) -> tuple[str, tuple[str, ...]]:
        host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
        return attributes, (str(self.repository.with_tag(f"building-{host}-{target}")),)

    def collect(self, target: str, digest: str) -> Manifest:
        return self.get(digest)


@dataclass(frozen=True)
class OciLayoutStore:
    """An OCI image layout folder.

    :param workspace: where builds put their own layouts before they are taken over.
    """

    layout: LayoutStore
    workspace: str

    def find(self, tag: str) -> Manifest | None:
        return self.layout.find_manifest(tag)

    def get(self, digest: str) -> Manifest:
        manifest = self.layout.find_manifest(digest)
        if manifest is None:
            raise CollectionError(
                f"The layout {self.layout.path} has no manifest {digest}. Was it cut short? Remove it."
            )
        return manifest

    def put(self, tag: str, manifest: Manifest) -> None:
        self.layout.put_manifest(tag, manifest)

    def blob(self, digest: str) -> bytes:
        return self.layout.get_blob(digest)

    def put_blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        return self.layout.put_blob(data, media_type)

    def output(self, target: str, attributes: str) -> tuple[str, tuple[str, ...]]:
        return f"type=oci,tar=false,dest={self._folder(target)}{attributes}", ()

    def collect(self, target: str, digest: str) -> Manifest:
        self.layout.copy_blobs_from(self._folder(target))
        return self.get(digest)

    def _folder(self, target: str) -> str:
        return os.path.join(self.workspace, f"layout-{target}")


def put_files(store: ImageStore, tag: str, data: bytes) -> None:
    """Keep a long file list beside an image, as an artifact under ``tag``, unless it is there already."""
    if store.find(tag) is not None:
        return
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": FILES_MEDIA_TYPE,
        "config": store.put_blob(_EMPTY_CONFIG, _EMPTY_TYPE),
        "layers": [store.put_blob(data, FILES_MEDIA_TYPE)],
    }
    store.put(tag, json_manifest(document))


def find_files(store: ImageStore, tag: str) -> bytes | None:
    """The file list kept under ``tag``, or None."""
    manifest = store.find(tag)
    if manifest is None or manifest.is_index:
        return None
    return store.blob(manifest.document["layers"][0]["digest"])


def find_provenance(store: ImageStore, built: Manifest, platform_name: str) -> Mapping[str, Any] | None:
    """The SLSA predicate that was pushed with an image, or None when it carries none."""
    if not built.is_index:
        return None
    descriptor = platform_descriptors(built).get(parse_platform(platform_name))
    for attestation in attestation_descriptors(built, descriptor["digest"]) if descriptor else ():
        for layer in store.get(attestation["digest"]).document.get("layers", []):
            if layer.get("annotations", {}).get("in-toto.io/predicate-type", "").startswith(_PROVENANCE):
                predicate: Mapping[str, Any] = json.loads(store.blob(layer["digest"]))["predicate"]
                return predicate
    return None
