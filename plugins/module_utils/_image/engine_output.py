# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine as a place for images: each whole, with all its platforms, its record of inputs as labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import (
    FINGERPRINT_ANNOTATION,
    INPUTS_ANNOTATION,
    REVISION_ANNOTATION,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import parse_record
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import OCI_INDEX, Manifest, json_manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference

_RECORD_LABELS = (FINGERPRINT_ANNOTATION, INPUTS_ANNOTATION, REVISION_ANNOTATION)


@dataclass(frozen=True)
class EngineImage(Manifest):
    """An image in the engine, seen as an index. The engine does not give out raw bytes, but it knows the id."""

    image_id: str = ""

    @property
    def digest(self) -> str:
        return self.image_id


@dataclass(frozen=True)
class EngineStore:
    """A repository's names in an engine."""

    engine: EngineClient
    repository: Reference

    def find(self, tag: str) -> Manifest | None:
        """The image under ``tag``, its record read from labels."""
        image = self.engine.find_image(str(self.repository.with_tag(tag)))
        return engine_image(image) if image else None

    def output(self, target: str, attributes: str) -> tuple[str, tuple[str, ...]]:
        return attributes, ()

    def get(self, digest: str) -> Manifest:
        raise self._whole()

    def put(self, tag: str, manifest: Manifest) -> None:
        raise self._whole()

    def blob(self, digest: str) -> bytes:
        raise self._whole()

    def put_blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        raise self._whole()

    def collect(self, target: str, digest: str) -> Manifest:
        raise self._whole()

    def _whole(self) -> CollectionError:
        return CollectionError(
            f"The engine keeps {self.repository.name} whole: its parts cannot be read or written one by one."
        )


def engine_image(inspected: dict[str, Any]) -> EngineImage:
    """What ``docker image inspect`` says, as an index of the platforms that the record names."""
    labels = (inspected.get("Config") or {}).get("Labels") or {}
    annotations = {name: labels[name] for name in _RECORD_LABELS if name in labels}
    record = parse_record(annotations)
    names = list(record.by_platform) if record else [f"{inspected['Os']}/{inspected['Architecture']}"]
    entries = []
    for name in names:
        platform = parse_platform(name)
        described = {"os": platform.os, "architecture": platform.architecture}
        if platform.variant:
            described["variant"] = platform.variant
        entries.append({"digest": inspected["Id"], "platform": described})
    document = {"mediaType": OCI_INDEX, "manifests": entries, "annotations": annotations}
    return EngineImage(json_manifest(document).raw, OCI_INDEX, inspected["Id"])
