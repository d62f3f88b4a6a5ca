# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests and indexes as values. Digests are taken over the raw bytes, never over JSON written again.

Format: https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)

_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"
_ATTESTATION = "attestation-manifest"


@dataclass(frozen=True)
class Manifest:
    """An index or a manifest as a registry holds it.

    :param raw: its bytes.
    :param media_type: as the registry says, or as the document says when the registry says nothing useful.
    """

    raw: bytes
    media_type: str

    @cached_property
    def digest(self) -> str:
        return digest_of(self.raw)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed bytes.

        :raises CollectionError: they are not a JSON object.
        """
        try:
            document = json.loads(self.raw)
        except ValueError as error:
            raise CollectionError(f"The manifest {self.digest} is no JSON: {error}.") from error
        if not isinstance(document, dict):
            raise CollectionError(f"The manifest {self.digest} is no JSON object.")
        return document

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def annotations(self) -> dict[str, str]:
        return self.document.get("annotations") or {}

    def descriptor(self) -> dict[str, Any]:
        """How another document points at this one."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}


def digest_of(data: bytes) -> str:
    """``sha256:…`` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def json_manifest(document: Mapping[str, Any]) -> Manifest:
    """A manifest of our own, written as canonical JSON: the same document has the same digest everywhere."""
    raw = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Manifest(raw, document["mediaType"])


def read_manifest(raw: bytes, content_type: str | None) -> Manifest:
    """A manifest from a registry's answer or a file. The media type in the document wins over the header."""
    manifest = Manifest(raw, (content_type or "").partition(";")[0].strip())
    media_type = manifest.document.get("mediaType") or manifest.media_type
    if media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
        media_type = OCI_INDEX if "manifests" in manifest.document else OCI_MANIFEST
    return Manifest(raw, media_type)


def platform_descriptors(index: Manifest) -> dict[Platform, dict[str, Any]]:
    """The descriptor of each platform's manifest; attestations are left out."""
    found: dict[Platform, dict[str, Any]] = {}
    for descriptor in index.document.get("manifests") or []:
        platform = descriptor.get("platform")
        if platform and not _is_attestation(descriptor):
            found.setdefault(_platform(platform), descriptor)
    return found


def attestation_descriptors(index: Manifest, digest: str) -> list[dict[str, Any]]:
    """Descriptors of the attestation manifests of the manifest with ``digest``."""
    return [
        descriptor
        for descriptor in index.document.get("manifests") or []
        if _is_attestation(descriptor) and descriptor["annotations"].get(_REFERENCE_DIGEST) == digest
    ]


def merge_indexes(
    parts: Sequence[Manifest], annotations: Mapping[str, str], extra: Sequence[Mapping[str, Any]] = ()
) -> Manifest:
    """An OCI index of all entries of ``parts``, attestations included, and of ``extra`` descriptors, each once, in order."""
    entries: dict[str, Mapping[str, Any]] = {}
    for descriptor in (*(entry for part in parts for entry in part.document.get("manifests") or []), *extra):
        entries.setdefault(descriptor["digest"], descriptor)
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries.values())}
    if annotations:
        document["annotations"] = dict(annotations)
    return json_manifest(document)


def content_size(manifest: Manifest) -> int:
    """Compressed bytes of a manifest's configuration and layers."""
    document = manifest.document
    return int(document["config"]["size"]) + sum(int(layer["size"]) for layer in document.get("layers") or [])


def config_platform(config: Mapping[str, Any]) -> Platform | None:
    """The platform that an image's configuration is for; None when it is no image's but some artifact's."""
    if not config.get("os") or not config.get("architecture"):
        return None
    return _platform(config)


def _is_attestation(descriptor: Mapping[str, Any]) -> bool:
    return (descriptor.get("annotations") or {}).get(_REFERENCE_TYPE) == _ATTESTATION


def _platform(value: Mapping[str, Any]) -> Platform:
    variant = value.get("variant") or None
    if (value["architecture"], variant) in (("arm64", "v8"), ("amd64", "v1")):
        variant = None
    return Platform(value["os"], value["architecture"], variant)
