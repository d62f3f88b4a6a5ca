# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.promotion import (
    check_distinct,
    check_immutable,
    check_platforms,
    check_records,
    check_tags,
    plan_promotion,
    promotions_result,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    json_manifest,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
TARGET = parse_reference("localhost:5000/a/b")
MANIFEST = json_manifest({"mediaType": OCI_MANIFEST})
NEW, OLD = MANIFEST.digest, "sha256:" + "2" * 64
SOURCE = TARGET.with_digest(NEW)
INDEX = json_manifest(
    {
        "mediaType": OCI_INDEX,
        "manifests": [
            {"digest": NEW, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": OLD, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        ],
    }
)
AMD64_ONLY = json_manifest({"mediaType": OCI_INDEX, "manifests": INDEX.document["manifests"][:1]})


@pytest.mark.parametrize(
    "current, changed, before, after",
    [
        pytest.param({"a": None}, [True], "localhost:5000/a/b:a none\n", f"localhost:5000/a/b:a {NEW}\n", id="new"),
        pytest.param({"a": OLD}, [True], f"localhost:5000/a/b:a {OLD}\n", f"localhost:5000/a/b:a {NEW}\n", id="moved"),
        pytest.param({"a": NEW}, [False], "", "", id="there-already"),
        pytest.param(
            {"a": NEW, "b": None},
            [False, True],
            "localhost:5000/a/b:b none\n",
            f"localhost:5000/a/b:b {NEW}\n",
            id="only-what-moves-is-in-the-diff",
        ),
    ],
)
def test_plan(current, changed, before, after):
    promotion = plan_promotion(SOURCE, MANIFEST, TARGET, current)
    result = promotion.result()
    assert [entry["changed"] for entry in result["tags"]] == changed
    assert result["changed"] is any(changed)
    assert result["diff"] == {"before": before, "after": after}
    assert [(entry["tag"], entry["before"], entry["after"]) for entry in result["tags"]] == [
        (tag, digest, NEW) for tag, digest in current.items()
    ]


@pytest.mark.parametrize(
    "tags, checked",
    [
        pytest.param(["a"], ("a",), id="one"),
        pytest.param(["b", "a", "b"], ("b", "a"), id="repetitions-are-dropped"),
        pytest.param(["_1.0-x", "A" * 128], ("_1.0-x", "A" * 128), id="all-that-is-allowed"),
    ],
)
def test_tags(tags, checked):
    assert check_tags(tags) == checked


@pytest.mark.parametrize(
    "tags, says",
    [
        pytest.param([], "tags is empty", id="none"),
        pytest.param([""], "'' is no tag", id="empty"),
        pytest.param(["a", "-b"], "'-b' is no tag", id="dash"),
        pytest.param(["a:b"], "is no tag", id="colon"),
        pytest.param(["A" * 129], "is no tag", id="too-long"),
        pytest.param(["1.0\n"], "is no tag", id="line-end"),
    ],
)
def test_tags_that_no_registry_takes(tags, says):
    with pytest.raises(CollectionError, match=says):
        check_tags(tags)


@pytest.mark.parametrize(
    "manifest, required, found",
    [
        pytest.param(INDEX, (), {AMD64: NEW, ARM64: OLD}, id="all"),
        pytest.param(INDEX, (ARM64,), {ARM64: OLD}, id="one-asked-for"),
        pytest.param(MANIFEST, (), {}, id="a-manifest-without-a-demand"),
    ],
)
def test_platforms(manifest, required, found):
    assert check_platforms(TARGET, manifest, required) == found


@pytest.mark.parametrize(
    "manifest, says",
    [
        pytest.param(AMD64_ONLY, "lacks linux/arm64; it has linux/amd64. Build", id="one-is-missing"),
        pytest.param(MANIFEST, "one platform, not an index.*Promote the index", id="no-index"),
    ],
)
def test_platforms_that_are_missing(manifest, says):
    with pytest.raises(CollectionError, match=says):
        check_platforms(TARGET, manifest, (AMD64, ARM64))


@pytest.mark.parametrize(
    "current, patterns",
    [
        pytest.param({"1.0": None}, [r"\d.*"], id="not-set-yet"),
        pytest.param({"1.0": NEW}, [r"\d.*"], id="same-digest"),
        pytest.param({"latest": OLD}, [r"\d.*"], id="another-tag"),
        pytest.param({"x1.0": OLD}, [r"1\.0"], id="the-whole-tag-counts"),
        pytest.param({"1.0": OLD}, [], id="no-rule"),
    ],
)
def test_moves_that_are_allowed(current, patterns):
    promotion = plan_promotion(SOURCE, MANIFEST, TARGET, current)
    check_immutable(promotion, patterns)
    assert [move.reference.tag for move in promotion.moves] == list(current)


@pytest.mark.parametrize(
    "current, patterns, says",
    [
        pytest.param({"1.0": OLD}, [r"\d\.\d"], "b:1.0 points at sha256:2+ and may not be moved", id="immutable"),
        pytest.param({"new": None, "1.0": OLD}, ["x", "1.*"], "force: true", id="any-tag-any-pattern"),
        pytest.param({"new": None}, ["("], r"'\(', which is no regular expression", id="malformed-without-a-need"),
    ],
)
def test_moves_that_are_not(current, patterns, says):
    with pytest.raises(CollectionError, match=says):
        check_immutable(plan_promotion(SOURCE, MANIFEST, TARGET, current), patterns)


def test_records():
    check_records(TARGET, {})
    with pytest.raises(CollectionError, match="for linux/arm64. Run image_smoke_test") as error:
        check_records(TARGET, {"linux/arm64": "ok-1-2"})
    assert error.value.facts["missing_records"] == {"linux/arm64": "ok-1-2"}


def test_several_have_a_result_each_and_one_difference():
    first = plan_promotion(SOURCE, MANIFEST, TARGET, {"a": NEW})
    other = plan_promotion(SOURCE, MANIFEST, parse_reference("localhost:5000/a/c"), {"a": None})
    result = promotions_result([first, other])
    assert result["changed"] is True
    assert [image["changed"] for image in result["images"]] == [False, True]
    assert result["diff"] == {"before": "localhost:5000/a/c:a none\n", "after": f"localhost:5000/a/c:a {NEW}\n"}
    assert all("diff" not in image for image in result["images"])
    assert promotions_result([first])["changed"] is False


@pytest.mark.parametrize(
    "manifest, target, refused",
    [
        pytest.param(INDEX, TARGET, True, id="another-image-for-the-same-tag"),
        pytest.param(MANIFEST, TARGET, False, id="the-same-image-twice"),
        pytest.param(INDEX, parse_reference("localhost:5000/a/c"), False, id="in-another-repository"),
    ],
)
def test_a_tag_is_for_one_image(manifest, target, refused):
    first = plan_promotion(SOURCE, MANIFEST, TARGET, {"a": None})
    other = plan_promotion(TARGET.with_digest(manifest.digest), manifest, target, {"a": None})
    if not refused:
        check_distinct([first, other])
        return
    with pytest.raises(CollectionError, match="localhost:5000/a/b:a is asked for twice in images"):
        check_distinct([first, other])
