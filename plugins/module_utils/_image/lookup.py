# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking up what is there already: under the fingerprints, and under the tag that people use."""

from __future__ import annotations

import json
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import (
    Found,
    ImagePlan,
    holds,
    plan_image,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import FINGERPRINT_ANNOTATION
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import Record, files_tag, parse_record
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import ResolvedImage
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import ImageStore, find_files
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest


def look_up(
    resolved: ResolvedImage, store: ImageStore, compared: Manifest | None, compared_store: ImageStore
) -> ImagePlan:
    """Read what the store has and plan the image.

    A hit costs one request: what people's tag points at carries its fingerprint, and is the newest when an image was
    rebuilt by force; only else the fingerprint's own tag is asked for.

    :param compared: what ``compare_to`` points at, or None.
    :param compared_store: where that lies, which may be another repository.
    """
    rebuild = resolved.request.rebuild == "always"
    platforms = list(resolved.inputs)
    if not rebuild:
        if compared_store is store and compared is not None and _is_hit(compared, resolved.fingerprint, platforms):
            return plan_image(resolved, Found(index=compared))
        index = store.find(f"fp-{resolved.fingerprint}")
        if index is not None and holds(index, platforms):
            return plan_image(resolved, Found(index=index))
    suffix = _free_suffix(store, resolved.fingerprint) if rebuild else ""
    found: dict[str, Manifest] = {}
    for platform, fingerprint in resolved.fingerprints.items():
        manifest = None if rebuild else store.find(f"fp-{fingerprint}")
        if manifest is not None:
            found[platform] = manifest
    record = parse_record(compared.annotations) if compared is not None else None
    files = _files(record, compared_store) if record is not None and len(found) < len(platforms) else None
    return plan_image(resolved, Found(None, found, record, files, compared is not None), suffix)


def _is_hit(index: Manifest, fingerprint: str, platforms: list[str]) -> bool:
    return index.annotations.get(FINGERPRINT_ANNOTATION) == fingerprint and holds(index, platforms)


def _free_suffix(store: ImageStore, fingerprint: str) -> str:
    """The first of nothing, ``-r2``, ``-r3``, … under which there is no index yet: a rebuild never overwrites."""
    number = 1
    while store.find(f"fp-{fingerprint}{_suffix(number)}") is not None:
        number += 1
    return _suffix(number)


def _suffix(number: int) -> str:
    return f"-r{number}" if number > 1 else ""


def _files(record: Record, store: ImageStore) -> Mapping[str, Mapping[str, str]] | None:
    if record.files is not None:
        return record.files
    data = find_files(store, files_tag(record.inputs))
    if data is None:
        return None
    files: Mapping[str, Mapping[str, str]] = json.loads(data)
    return files
