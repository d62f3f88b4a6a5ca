# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.description import describe, describe_engine_image
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import OciLayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    json_manifest,
    merge_indexes,
)

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
PREDICATE = "https://slsa.dev/provenance/v0.2"


@pytest.fixture
def store(tmp_path):
    return OciLayoutStore(LayoutStore(str(tmp_path / "layout")), str(tmp_path))


def put_image(store, config, annotations=None, layers=()):
    """An image with this configuration, in the store; its manifest."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": store.put_blob(json.dumps(config).encode(), CONFIG_TYPE),
        "layers": list(layers),
        **({"annotations": annotations} if annotations else {}),
    }
    manifest = json_manifest(document)
    store.put(manifest.digest, manifest)
    return manifest


def entry(manifest, architecture, **more):
    return {**manifest.descriptor(), "platform": {"os": "linux", "architecture": architecture}, **more}


@pytest.mark.parametrize(
    "config, platform",
    [
        pytest.param({"os": "linux", "architecture": "amd64"}, "linux/amd64", id="amd64"),
        pytest.param({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64", id="default-variant"),
        pytest.param({"os": "linux", "architecture": "arm", "variant": "v6"}, "linux/arm/v6", id="another-variant"),
        pytest.param({"os": "unknown", "architecture": "unknown"}, "unknown/unknown", id="an-attestation"),
        pytest.param({}, None, id="an-artifact"),
        pytest.param([], None, id="an-artifact-with-a-list"),
    ],
)
def test_platform_of_one_manifest(store, config, platform):
    described = describe(put_image(store, config), store)
    assert [found["platform"] for found in described["platforms"]] == [platform]


def test_an_index(store):
    config = {"User": "nobody", "Env": ["A=1"], "Labels": {"team": "ai"}}
    amd64 = put_image(
        store,
        {"os": "linux", "architecture": "amd64", "config": config},
        {"note": "x", "dev.imagefleet.inputs": "{}"},
        [{"digest": "sha256:1", "size": 1000}],
    )
    arm64 = put_image(store, {"os": "linux", "architecture": "arm64"})
    attestation = put_image(
        store,
        {"os": "unknown", "architecture": "unknown"},
        layers=[{"digest": "sha256:2", "size": 1, "annotations": {"in-toto.io/predicate-type": PREDICATE}}],
    )
    of_amd64 = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": amd64.digest}
    inputs = {"platform": "linux/amd64", "files": ["long"], "inputs": {"args": {}}}
    index = merge_indexes(
        [],
        {"dev.imagefleet.inputs": json.dumps(inputs), "dev.imagefleet.fingerprint": "f" * 64, "other": "o"},
        [entry(amd64, "amd64"), entry(arm64, "arm64"), entry(attestation, "unknown", annotations=of_amd64)],
    )
    described = describe(index, store)
    assert described["digest"] == index.digest
    assert described["media_type"] == OCI_INDEX
    assert described["fingerprint"] == "f" * 64
    assert described["inputs"] == {"platform": "linux/amd64", "inputs": {"args": {}}}
    assert "dev.imagefleet.inputs" not in described["annotations"]
    assert described["annotations"]["other"] == "o"
    one, two = described["platforms"]
    assert one == {
        "platform": "linux/amd64",
        "digest": amd64.digest,
        "size": 1000 + amd64.document["config"]["size"],
        "layers": 1,
        "config": config,
        "labels": {"team": "ai"},
        "annotations": {"note": "x"},
        "attestations": [PREDICATE],
    }
    assert (two["platform"], two["labels"], two["attestations"]) == ("linux/arm64", {}, [])


@pytest.mark.parametrize(
    "annotations, inputs",
    [
        pytest.param({}, None, id="none"),
        pytest.param({"dev.imagefleet.inputs": "{"}, None, id="damaged"),
        pytest.param({"dev.imagefleet.inputs": "[]"}, None, id="another-kind"),
        pytest.param({"dev.imagefleet.inputs": '{"a": 1}'}, {"a": 1}, id="a-record"),
    ],
)
def test_inputs(store, annotations, inputs):
    assert describe(merge_indexes([], annotations), store)["inputs"] == inputs


def test_an_image_in_the_engine():
    inspected = {
        "Id": "sha256:" + "1" * 64,
        "Os": "linux",
        "Architecture": "arm64",
        "Size": 123,
        "Config": {"User": "me", "Labels": {"a": "b"}},
        "RootFS": {"Layers": ["sha256:1", "sha256:2"]},
        "RepoDigests": [],
    }
    (platform,) = describe_engine_image(inspected)["platforms"]
    assert (platform["platform"], platform["size"], platform["layers"]) == ("linux/arm64", 123, 2)
    assert (platform["config"]["User"], platform["labels"]) == ("me", {"a": "b"})
