# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    attestation_descriptors,
    content_size,
    json_manifest,
    merge_indexes,
    platform_descriptors,
    read_manifest,
)

AMD64 = {"digest": "sha256:a", "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}
ARM64 = {"digest": "sha256:b", "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
ATTESTATION = {
    "digest": "sha256:c",
    "size": 1,
    "platform": {"os": "unknown", "architecture": "unknown"},
    "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:a"},
}


def index(*entries):
    return json_manifest({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)})


def test_a_digest_is_taken_over_the_bytes():
    one, two = Manifest(b'{"a":1}', OCI_INDEX), Manifest(b'{"a": 1}', OCI_INDEX)
    assert one.document == two.document
    assert one.digest != two.digest
    assert one.digest == "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@pytest.mark.parametrize(
    "document, header, media_type",
    [
        pytest.param({"mediaType": OCI_INDEX}, "text/plain", OCI_INDEX, id="the-document-wins"),
        pytest.param({}, f"{DOCKER_MANIFEST}; charset=utf-8", DOCKER_MANIFEST, id="the-header"),
        pytest.param({"manifests": []}, None, OCI_INDEX, id="by-shape-an-index"),
        pytest.param({"layers": []}, "application/json", OCI_MANIFEST, id="by-shape-a-manifest"),
        pytest.param({"mediaType": DOCKER_INDEX}, None, DOCKER_INDEX, id="dockers-list"),
    ],
)
def test_media_type(document, header, media_type):
    manifest = read_manifest(json.dumps(document).encode(), header)
    assert manifest.media_type == media_type
    assert manifest.is_index is (media_type in (OCI_INDEX, DOCKER_INDEX))


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]"])
def test_what_is_no_manifest(raw):
    with pytest.raises(CollectionError, match="no JSON"):
        read_manifest(raw, OCI_INDEX)


def test_platforms_without_attestations():
    found = platform_descriptors(index(AMD64, ATTESTATION, ARM64))
    assert {str(platform): entry["digest"] for platform, entry in found.items()} == {
        "linux/amd64": "sha256:a",
        "linux/arm64": "sha256:b",
    }


def test_attestations_of_a_manifest():
    assert attestation_descriptors(index(AMD64, ATTESTATION, ARM64), "sha256:a") == [ATTESTATION]
    assert attestation_descriptors(index(AMD64, ATTESTATION, ARM64), "sha256:b") == []


def test_merging_keeps_everything_once_in_order():
    merged = merge_indexes([index(AMD64, ATTESTATION), index(ARM64), index(AMD64)], {"k": "v"})
    assert [entry["digest"] for entry in merged.document["manifests"]] == ["sha256:a", "sha256:c", "sha256:b"]
    assert merged.annotations == {"k": "v"}
    assert merged.media_type == OCI_INDEX
    again = merge_indexes([index(AMD64, ATTESTATION), index(ARM64)], {"k": "v"})
    assert again.digest == merged.digest


def test_content_size():
    assert (
        content_size(
            json_manifest({"mediaType": OCI_MANIFEST, "config": {"size": 1}, "layers": [{"size": 2}, {"size": 4}]})
        )
        == 7
    )


def test_a_layout_keeps_what_is_put(tmp_path):
    layout = LayoutStore(str(tmp_path / "layout"))
    assert layout.find_manifest("one") is None
    one, two = index(AMD64), index(ARM64)
    layout.put_manifest("one", one)
    layout.put_manifest("two", two)
    layout.put_manifest("one", two)
    assert layout.find_manifest("one").digest == two.digest
    assert layout.find_manifest(one.digest).digest == one.digest
    entries = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]
    assert sorted(entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries) == ["one", "two"]
    assert json.loads((tmp_path / "layout/oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_layouts_are_joined(tmp_path):
    source, target = LayoutStore(str(tmp_path / "a")), LayoutStore(str(tmp_path / "b"))
    source.put_manifest("one", index(AMD64))
    target.copy_blobs_from(source.path)
    assert target.get_blob(index(AMD64).digest) == index(AMD64).raw


def test_a_damaged_layout_says_so(tmp_path):
    layout = LayoutStore(str(tmp_path))
    layout.put_manifest("one", index(AMD64))
    (tmp_path / "blobs/sha256" / index(AMD64).digest[7:]).write_text("x")
    with pytest.raises(CollectionError, match="damaged"):
        layout.find_manifest("one")
    with pytest.raises(CollectionError, match="lacks the blob"):
        layout.get_blob("sha256:" + "0" * 64)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(CollectionError, match="no JSON"):
        layout.find_manifest("one")
