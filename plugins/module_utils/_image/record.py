# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of inputs that goes with an image: written as annotations, read back to name a rebuild's reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import (
    ANNOTATION_LIMIT,
    FINGERPRINT_ANNOTATION,
    INPUTS_ANNOTATION,
    REVISION_ANNOTATION,
    Inputs,
    canonical_json,
    index_fingerprint,
)

#: Media type of the file list that is kept beside an image whose list is too long for an annotation.
FILES_MEDIA_TYPE = "application/vnd.imagefleet.dify.files.v1+json"
_PER_PLATFORM = ("platform", "images")


@dataclass(frozen=True)
class Record:
    """What an index says it was made of.

    :param fingerprints: by platform.
    :param inputs: what all platforms share.
    :param by_platform: what differs between them, by platform.
    :param files: by context, then path; None when they are kept apart, under the tag :func:`files_tag`.
    """

    fingerprints: Mapping[str, str]
    inputs: Mapping[str, Any]
    by_platform: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, str]] | None

    def inputs_of(self, platform: str) -> dict[str, Any] | None:
        """The inputs of one platform, as :meth:`Inputs.counted` made them; None when the index lacks it."""
        if platform not in self.by_platform:
            return None
        return {**self.inputs, **self.by_platform[platform]}


def manifest_annotations(inputs: Inputs) -> dict[str, str]:
    """Annotations of one platform's manifest, without the file list when that would be too long."""
    record = {"inputs": inputs.counted(), "files": inputs.files()}
    return {
        FINGERPRINT_ANNOTATION: inputs.fingerprint(),
        INPUTS_ANNOTATION: _fitting(record),
        **dict(inputs.annotations),
    }


def index_annotations(inputs: Mapping[str, Inputs], revision: str | None) -> dict[str, str]:
    """Annotations of the index of all platforms in ``inputs``."""
    fingerprints = {platform: value.fingerprint() for platform, value in inputs.items()}
    counted = {platform: value.counted() for platform, value in inputs.items()}
    first = next(iter(inputs.values()))
    record = {
        "fingerprints": fingerprints,
        "inputs": {key: value for key, value in counted[first.platform].items() if key not in _PER_PLATFORM},
        "by_platform": {
            platform: {key: value[key] for key in _PER_PLATFORM if key in value} for platform, value in counted.items()
        },
        "files": first.files(),
    }
    annotations = {
        FINGERPRINT_ANNOTATION: index_fingerprint(fingerprints),
        INPUTS_ANNOTATION: _fitting(record),
        **dict(first.annotations),
    }
    if revision:
        annotations[REVISION_ANNOTATION] = revision
    return annotations


def parse_record(annotations: Mapping[str, str]) -> Record | None:
    """The record in an index's annotations; None when there is none that this version understands."""
    try:
        document = json.loads(annotations.get(INPUTS_ANNOTATION, ""))
        return Record(document["fingerprints"], document["inputs"], document["by_platform"], document.get("files"))
    except (ValueError, KeyError, TypeError):
        return None


def long_files(inputs: Inputs) -> bytes | None:
    """The file list to be kept beside the image, as JSON; None when it fits into the annotation."""
    files = inputs.files()
    record = {"inputs": inputs.counted(), "files": files}
    return None if len(canonical_json(record)) <= ANNOTATION_LIMIT else canonical_json(files).encode()


def files_tag(inputs: Mapping[str, Any]) -> str:
    """The tag under which the file list of these (counted) inputs is kept, named by the contexts' digests."""
    digests = inputs.get("contexts") or {}
    return f"files-{index_fingerprint(digests)}"


def _fitting(record: dict[str, Any]) -> str:
    whole = canonical_json(record)
    if len(whole) <= ANNOTATION_LIMIT:
        return whole
    return canonical_json({key: value for key, value in record.items() if key != "files"})
