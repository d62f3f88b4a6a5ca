# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.retention import (
    Contents,
    Held,
    kind_of,
    parse_retention_age,
    plan_retention,
    subject_of,
)

DAY = 86400
NOW = 1000 * DAY


def digest(letter):
    return f"sha256:{letter * 64}"


def fp(letter, suffix=""):
    return f"fp-{letter * 64}{suffix}"


def ok(letter):
    return f"ok-{letter * 64}-{'0' * 16}"


@pytest.mark.parametrize(
    "tag, kind, subject",
    [
        pytest.param(fp("a"), "platform", None, id="fingerprint"),
        pytest.param(fp("a", "-r2"), "platform", None, id="rebuilt"),
        pytest.param(ok("a"), "record", digest("a"), id="record"),
        pytest.param("cache-optimised-linux-arm64", "cache", None, id="cache"),
        pytest.param("building-0123abcd-api-0", "working", None, id="working"),
        pytest.param(f"files-{'a' * 64}", "files", None, id="files"),
        pytest.param(f"sha256-{'a' * 64}.sig", "signature", digest("a"), id="cosign"),
        pytest.param(f"sha256-{'a' * 64}", "signature", digest("a"), id="referrers"),
        pytest.param("1.0.0", "people", None, id="version"),
        pytest.param("keep-host-dify-4", "people", None, id="deployment"),
        pytest.param("fp-abc", "people", None, id="not-quite-a-fingerprint"),
        pytest.param("cache", "people", None, id="a-word"),
        pytest.param(f"{fp('a')}-rc", "people", None, id="not-quite-rebuilt"),
    ],
)
def test_kind_of(tag, kind, subject):
    assert (kind_of(tag), subject_of(tag)) == (kind, subject)


@pytest.mark.parametrize("text, seconds", [("30d", 30 * DAY), ("12h", DAY // 2), ("2w", 14 * DAY), ("0d", 0)])
def test_age(text, seconds):
    assert parse_retention_age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "00d"])
def test_no_age(text):
    with pytest.raises(CollectionError, match="is no age"):
        parse_retention_age(text)


def build(letter, *tags, parts="", files=None):
    """An index of both platforms: of images ``parts``, and an attestation."""
    below = frozenset(map(digest, parts))
    return Held(digest(letter), (fp(letter), *tags), below | {digest("9")}, below, True, files)


def platform(letter, image, *tags):
    """The index that one platform's build pushed."""
    return Held(digest(letter), (fp(letter), *tags), frozenset({digest(image)}), frozenset({digest(image)}))


def image(letter, *tags):
    """An image of one platform, with a record of its tests."""
    return Held(digest(letter), tags, images=frozenset({digest(letter)}))


def artifact(letter, tag):
    return Held(digest(letter), (tag,), images=frozenset({digest(letter)}))


def retention(*held, ages, max_age=30, keep=0, cache_max_age=30, **protected):
    """Days by letter; what goes, by letter, in order."""
    contents = Contents({each.digest: each for each in held}, **protected)
    built = {digest(letter): NOW - days * DAY for letter, days in ages.items()}
    plan = plan_retention(contents, lambda held: built.get(held.digest), NOW, max_age * DAY, keep, cache_max_age * DAY)
    return "".join(removal.digest[-1] for removal in plan.removals)


TWO = (build("a", parts="12"), build("b", parts="34"), platform("c", "1"), platform("d", "2"), platform("e", "3"))
RECORDS = (image("1", ok("1")), image("2", ok("2")), image("3", ok("3")))


@pytest.mark.parametrize(
    "held, options, gone",
    [
        pytest.param(TWO, {"ages": {"a": 40, "b": 10, "c": 40, "d": 40, "e": 10}}, "acd12", id="by-age"),
        pytest.param(TWO, {"ages": {"a": 40, "b": 50, "c": 40, "d": 40, "e": 50}, "keep": 1}, "be34", id="by-number"),
        pytest.param(TWO, {"ages": {"a": 40, "b": 50, "c": 40, "d": 40, "e": 50}, "keep": 2}, "", id="few-enough"),
        pytest.param(TWO, {"ages": {}}, "", id="nothing-tells-its-age"),
        pytest.param(
            (*TWO, *RECORDS),
            {"ages": {"a": 40, "b": 10, "c": 40, "d": 40, "e": 10, "1": 40, "2": 40}},
            "acd12",
            id="records",
        ),
        pytest.param(
            (build("a", "1.0", parts="12"), platform("c", "1"), image("1", ok("1"))),
            {"ages": {"a": 900, "c": 900, "1": 900}},
            "",
            id="promoted",
        ),
        pytest.param(
            (
                Held(digest("f"), ("keep-h-p-1",), frozenset({digest("1")})),
                build("a", parts="12"),
                platform("c", "1"),
                platform("d", "2"),
            ),
            {"ages": {"a": 40, "c": 40, "d": 40}},
            "ad2",
            id="another-index-reaches-one-platform",
        ),
        pytest.param(
            (build("a", parts="12"), build("b", parts="13"), platform("c", "1"), platform("d", "2")),
            {"ages": {"a": 40, "b": 10, "c": 40, "d": 40}},
            "ad2",
            id="a-platform-of-two-builds",
        ),
        pytest.param(
            (build("a", parts="12"), platform("c", "1")),
            {"ages": {"a": 40, "c": 40}, "protected": frozenset({digest("a"), digest("1"), digest("2")})},
            "",
            id="promoted-elsewhere",
        ),
        pytest.param((platform("c", "1"),), {"ages": {"c": 40}}, "c1", id="a-platform-that-was-never-merged"),
        pytest.param((platform("c", "1"),), {"ages": {"c": 10}}, "", id="a-platform-not-merged-yet"),
        pytest.param((artifact("1", ok("1")),), {"ages": {"1": 40}}, "1", id="a-record-alone"),
        pytest.param(
            (artifact("a", "cache-upstream-linux-amd64"), artifact("b", "cache-optimised-linux-amd64")),
            {"ages": {"a": 8, "b": 6}, "cache_max_age": 7},
            "a",
            id="caches",
        ),
        pytest.param(
            (build("a", "1.0", parts="12"), artifact("1", "cache-upstream-linux-amd64")),
            {"ages": {"1": 40}},
            "",
            id="a-caches-tag-on-an-image",
        ),
        pytest.param(
            (
                build("a", parts="1", files="files-x"),
                build("b", parts="2", files=f"files-{'6' * 64}"),
                artifact("5", f"files-{'5' * 64}"),
                artifact("6", f"files-{'6' * 64}"),
            ),
            {"ages": {"a": 1, "b": 1}},
            "5",
            id="file-lists",
        ),
        pytest.param(
            (artifact("5", f"files-{'5' * 64}"),),
            {"ages": {}, "protected_files": frozenset({f"files-{'5' * 64}"})},
            "",
            id="a-file-list-of-what-is-promoted-elsewhere",
        ),
        pytest.param(
            (
                build("a", parts="1"),
                build("b", "1.0", parts="2"),
                artifact("7", f"sha256-{'a' * 64}.sig"),
                artifact("8", f"sha256-{'b' * 64}.sig"),
            ),
            {"ages": {"a": 40, "b": 40}},
            "a7" + "1",
            id="signatures",
        ),
        pytest.param(
            (platform("c", "1", "building-0123abcd-api-0"),), {"ages": {"c": 40}}, "c1", id="a-builds-own-tag"
        ),
    ],
)
def test_plan_retention(held, options, gone):
    assert retention(*held, **options).replace("9", "") == gone


def test_attestations_go_with_the_last_that_needs_them():
    assert retention(build("a", parts="1"), build("b", parts="2"), ages={"a": 40, "b": 10}) == "a1"
    assert retention(build("a", parts="1"), build("b", parts="2"), ages={"a": 40, "b": 40}) == "ab129"


def test_only_what_may_go_is_asked_for_its_age():
    asked = []
    held = (*TWO, build("f", "1.0", parts="1"), artifact("5", f"files-{'5' * 64}"))
    plan_retention(
        Contents({each.digest: each for each in held}), lambda held: asked.append(held.digest[-1]), NOW, 0, 0, 0
    )
    assert sorted(asked) == ["a", "b"], "what has no age stays, and with it its platforms"


def test_result():
    contents = Contents({digest("a"): build("a", parts="1"), digest("b"): build("b", parts="2")})
    plan = plan_retention(contents, lambda held: {digest("a"): NOW - 40 * DAY}.get(held.digest), NOW, 30 * DAY, 0, 0)
    assert plan.result("r/x", NOW) == {
        "repository": "r/x",
        "removed": [
            {"digest": digest("a"), "kind": "build", "tags": [fp("a")], "age_days": 40.0},
            {"digest": digest("1"), "kind": "part", "tags": [], "age_days": None},
        ],
        "kept_builds": 1,
        "undated": [fp("b")],
    }
