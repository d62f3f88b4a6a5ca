# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import (
    BRANCH,
    COMMIT,
    IMPORTED,
    OTHER,
    TAG,
    Ref,
    RemoteRefs,
    explain_missing,
    find_ref,
    looks_like_release,
    near_names,
    parse_refs,
    require_commit,
    require_ref,
    version_of,
)

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
LISTING = f"{A}\trefs/heads/main\n{B}\trefs/tags/0.15.3\n{C}\trefs/tags/1.0.0\n{D}\trefs/tags/1.0.0^{{}}\n{A}\trefs/tags/main\n"
REFS = parse_refs(LISTING)


def test_parse_refs_peels_annotated_tags():
    assert REFS.objects["refs/tags/1.0.0"] == C
    assert REFS.commit_of("refs/tags/1.0.0") == D
    assert REFS.commit_of("refs/tags/0.15.3") == B


def test_parse_refs_finds_the_default_branch():
    assert parse_refs(f"ref: refs/heads/trunk\tHEAD\n{A}\tHEAD\n") == RemoteRefs({"HEAD": A}, {}, "refs/heads/trunk")


@pytest.mark.parametrize(
    "ref, found",
    [
        pytest.param("0.15.3", Ref(TAG, "refs/tags/0.15.3"), id="tag"),
        pytest.param("main", Ref(TAG, "refs/tags/main"), id="tag-before-branch"),
        pytest.param("refs/heads/main", Ref(BRANCH, "refs/heads/main"), id="full-name"),
        pytest.param("v0.15.3", None, id="missing"),
        pytest.param(None, None, id="no-default-branch"),
    ],
)
def test_find_ref(ref, found):
    assert find_ref(ref, REFS) == found


def test_find_ref_takes_the_default_branch():
    refs = RemoteRefs({"refs/heads/trunk": A}, {}, "refs/heads/trunk")
    assert find_ref(None, refs) == Ref(BRANCH, "refs/heads/trunk")


@pytest.mark.parametrize(
    "ref",
    ["main", "feature/a-b", "v1.0.0-rc.1", "refs/pull/1/head", "a" * 40, "günther", "with@sign", "0.15.3+patch"],
)
def test_ref_is_accepted(ref):
    assert require_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param("", id="empty"),
        pytest.param("--upload-pack=x", id="option"),
        pytest.param("a b", id="space"),
        pytest.param("a\nb", id="newline"),
        pytest.param("a\n", id="newline-at-end"),
        pytest.param("a\0b", id="zero"),
        pytest.param("main~1", id="ancestor"),
        pytest.param("main^{tree}", id="expression"),
        pytest.param("main:api", id="path-in-tree"),
        pytest.param("a..b", id="range"),
        pytest.param("@{-1}", id="reflog"),
        pytest.param("@", id="at-sign"),
        pytest.param("refs/heads/*", id="pattern"),
        pytest.param("/main", id="slash-first"),
        pytest.param("main/", id="slash-last"),
        pytest.param("a//b", id="two-slashes"),
        pytest.param("a/.b", id="hidden"),
        pytest.param("main.lock", id="lock"),
        pytest.param("main.", id="dot-last"),
    ],
)
def test_hostile_ref_is_refused(ref):
    with pytest.raises(CollectionError, match="cannot be the name of a tag or branch"):
        require_ref(ref)


def test_commits_are_compared_in_lower_case():
    assert require_ref("A" * 40) == A
    assert require_commit("A" * 40) == A


def test_part_of_a_commit_is_no_pin():
    with pytest.raises(CollectionError, match="not 40 hexadecimal digits"):
        require_commit("abcdef1")


@pytest.mark.parametrize(
    "ref, words",
    [
        pytest.param("v0.15.3", "it has no ref v0.15.3, but has 0.15.3", id="without-v"),
        pytest.param("MAIN", "it has no ref MAIN, but has main", id="other-case"),
        pytest.param("zzz", "it has no ref zzz", id="nothing-near"),
        pytest.param("abcdef1", "if that is a commit, give all 40 digits", id="part-of-a-commit"),
        pytest.param(None, "it has no default branch; give ref", id="no-default-branch"),
    ],
)
def test_explain_missing(ref, words):
    assert words in explain_missing(ref, REFS)


def test_near_names_come_by_nearness():
    assert near_names("0.15.3", ["v0.15.3", "0.15.2", "other"]) == ("v0.15.3", "0.15.2")


def test_an_empty_source_is_named_so():
    assert "it is empty" in explain_missing("main", parse_refs(""))


@pytest.mark.parametrize(
    "ref, version",
    [
        pytest.param(Ref(TAG, "refs/tags/0.15.3"), "0.15.3", id="tag"),
        pytest.param(Ref(TAG, "refs/tags/release/1+x"), "release-1-x", id="tag-that-no-registry-takes"),
        pytest.param(Ref(BRANCH, "refs/heads/feature/a"), "feature-a-aaaaaaaaaaaa", id="branch"),
        pytest.param(Ref(COMMIT, A), "aaaaaaaaaaaa", id="commit"),
        pytest.param(Ref(OTHER, "refs/pull/1/head"), "pull-1-head-aaaaaaaaaaaa", id="other"),
        pytest.param(Ref(IMPORTED, "refs/tags/0.15.3"), "0.15.3", id="archive"),
    ],
)
def test_version_of(ref, version):
    assert version_of(ref, A) == version


def test_records_of_a_branch_and_of_one_below_it_do_not_clash():
    assert Ref(BRANCH, "refs/heads/a/b").record == "refs/imagefleet/branch/a%2Fb"


@pytest.mark.parametrize(
    "ref, release", [("1.0.0", True), ("v0.15.3-rc.1", True), ("refs/tags/2.1", True), ("main", False)]
)
def test_looks_like_release(ref, release):
    assert looks_like_release(ref) is release
