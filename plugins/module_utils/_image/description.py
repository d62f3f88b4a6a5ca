# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image as facts: what ``image_info`` returns of it."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.engine_output import engine_image
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import (
    FINGERPRINT_ANNOTATION,
    INPUTS_ANNOTATION,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import ImageStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    Manifest,
    attestation_descriptors,
    config_platform,
    content_size,
    platform_descriptors,
)

_PREDICATE = "in-toto.io/predicate-type"


def describe(manifest: Manifest, store: ImageStore) -> dict[str, Any]:
    """An index or a manifest, with the configuration of every platform read from ``store``."""
    if manifest.is_index:
        platforms = [
            {
                **_platform(str(platform), store.get(descriptor["digest"]), store),
                "attestations": _predicates(manifest, descriptor["digest"], store),
            }
            for platform, descriptor in platform_descriptors(manifest).items()
        ]
    else:
        platforms = [{**_platform(None, manifest, store), "attestations": []}]
    return {**_facts(manifest), "platforms": platforms}


def describe_engine_image(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """An image in the engine, from what ``docker image inspect`` says."""
    image = engine_image(dict(inspected))
    config = inspected.get("Config") or {}
    return {
        **_facts(image),
        "platforms": [
            {
                "platform": str(platform),
                "digest": image.digest,
                "size": inspected.get("Size"),
                "layers": len((inspected.get("RootFS") or {}).get("Layers") or []),
                "config": config,
                "labels": config.get("Labels") or {},
                "annotations": {},
                "attestations": [],
            }
            for platform in platform_descriptors(image)
        ],
    }


def _facts(manifest: Manifest) -> dict[str, Any]:
    annotations = manifest.annotations
    return {
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "annotations": {name: value for name, value in annotations.items() if name != INPUTS_ANNOTATION},
        "fingerprint": annotations.get(FINGERPRINT_ANNOTATION),
        "inputs": _inputs(annotations),
    }


def _inputs(annotations: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        record = json.loads(annotations[INPUTS_ANNOTATION])
    except (KeyError, ValueError):
        return None
    return {key: value for key, value in record.items() if key != "files"} if isinstance(record, dict) else None


def _platform(name: str | None, manifest: Manifest, store: ImageStore) -> dict[str, Any]:
    stored = stored_config(manifest, store)
    config = stored.get("config") or {}
    own = config_platform(stored)
    return {
        "platform": name or (None if own is None else str(own)),
        "digest": manifest.digest,
        "size": content_size(manifest),
        "layers": len(manifest.document.get("layers") or []),
        "config": config,
        "labels": config.get("Labels") or {},
        "annotations": {name: value for name, value in manifest.annotations.items() if name != INPUTS_ANNOTATION},
    }


def stored_config(manifest: Manifest, store: ImageStore) -> dict[str, Any]:
    """The configuration of an image; empty for artifacts, whose configuration is anything or nothing."""
    try:
        stored = json.loads(store.blob(manifest.document["config"]["digest"]))
    except (KeyError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _predicates(index: Manifest, digest: str, store: ImageStore) -> list[str]:
    manifests = [store.get(descriptor["digest"]) for descriptor in attestation_descriptors(index, digest)]
    layers = [layer for manifest in manifests for layer in manifest.document.get("layers") or []]
    return [layer["annotations"][_PREDICATE] for layer in layers if _PREDICATE in (layer.get("annotations") or {})]
