# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import (
    ContextInput,
    Inputs,
    age_period,
    explain,
    index_fingerprint,
    parse_age,
)

BASE = Inputs(
    platform="linux/amd64",
    dockerfile="sha256:d",
    contexts={"": ContextInput("sha256:c", {"app.py": "file 1", "x.py": "file 2"})},
    images={"python:3.11": "sha256:p"},
    args={"A": "1"},
    labels={"org.opencontainers.image.version": "1"},
    attestations={"provenance": "max"},
)


@pytest.mark.parametrize(
    "changed, reason",
    [
        pytest.param({"dockerfile": "sha256:e"}, "Dockerfile: sha256:d -> sha256:e", id="dockerfile"),
        pytest.param({"target": "t"}, "target: unset -> t", id="target"),
        pytest.param({"images": {"python:3.11": "sha256:q"}}, "base python:3.11: sha256:p -> sha256:q", id="base"),
        pytest.param({"images": {}}, "base python:3.11: sha256:p -> unset", id="base-gone"),
        pytest.param({"args": {"A": "2"}}, "build arg A: 1 -> 2", id="build-arg"),
        pytest.param({"args": {"A": "1", "B": "x"}}, "build arg B: unset -> x", id="build-arg-new"),
        pytest.param(
            {"labels": {"org.opencontainers.image.version": "2"}},
            "label org.opencontainers.image.version: 1 -> 2",
            id="label",
        ),
        pytest.param({"annotations": {"a": "b"}}, "annotation a: unset -> b", id="annotation"),
        pytest.param({"attestations": {"provenance": "min"}}, "attestation provenance: max -> min", id="attestation"),
        pytest.param({"secrets": {"s": "2"}}, "secret s: unset -> 2", id="secret-version"),
        pytest.param({"ssh": ("default",)}, "ssh: unset -> ['default']", id="ssh"),
        pytest.param({"network": "none"}, "network: unset -> none", id="network"),
        pytest.param({"revision": "abc"}, "revision: unset -> abc", id="exact-revision"),
        pytest.param({"recipe": 2}, "recipe version: 1 -> 2", id="recipe"),
        pytest.param({"period": 5, "period_name": "7d"}, "older than 7d", id="period"),
        pytest.param(
            {"contexts": {"": ContextInput("sha256:n", {"app.py": "file 9", "x.py": "file 2"})}},
            "context api: 1 file changed: app.py",
            id="file-changed",
        ),
        pytest.param(
            {"contexts": {"": ContextInput("sha256:n", {"app.py": "file 1", "y.py": "file 2"})}},
            "context api: 2 files changed: x.py (gone), y.py (new)",
            id="file-renamed",
        ),
        pytest.param(
            {"contexts": {"": ContextInput("sha256:n", dict.fromkeys("abcd", "file 1"))}},
            "context api: 6 files changed: a (new), app.py (gone), b (new), and 3 more",
            id="many-files",
        ),
        pytest.param(
            {"contexts": {**BASE.contexts, "extra": ContextInput("sha256:x")}},
            "context extra: added",
            id="context-added",
        ),
    ],
)
def test_every_input_counts_and_is_named(changed, reason):
    wanted = replace(BASE, **changed)
    assert wanted.fingerprint() != BASE.fingerprint()
    assert explain(wanted, BASE.counted(), BASE.files(), "api") == [reason]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"args": {"A": "1", "COMMIT_SHA": "abc"}}, id="commit-sha"),
        pytest.param({"args": {"A": "1", "SOURCE_DATE_EPOCH": "1"}}, id="source-date-epoch"),
        pytest.param(
            {
                "labels": {
                    "org.opencontainers.image.version": "1",
                    "org.opencontainers.image.revision": "abc",
                    "org.opencontainers.image.created": "2026",
                }
            },
            id="revision-and-creation-time",
        ),
        pytest.param({"images": dict(reversed(BASE.images.items()))}, id="order"),
    ],
)
def test_what_does_not_count(changed):
    wanted = replace(BASE, **changed)
    assert wanted.fingerprint() == BASE.fingerprint()
    assert explain(wanted, BASE.counted(), BASE.files()) == []


def test_the_platform_counts():
    assert replace(BASE, platform="linux/arm64").fingerprint() != BASE.fingerprint()


def test_a_fingerprint_is_the_same_in_every_release():
    assert BASE.fingerprint() == "53a42fa6d460f13083c0a109ce78388150b6d092637dfc535a13a50b14327870"


def test_first_build():
    assert explain(BASE, None, None) == ["first build"]


def test_without_the_old_file_list():
    wanted = replace(BASE, contexts={"": ContextInput("sha256:n")})
    assert explain(wanted, BASE.counted(), None, "api") == ["context api: changed"]


def test_a_context_removed():
    before = replace(BASE, contexts={**BASE.contexts, "extra": ContextInput("sha256:x")})
    assert explain(BASE, before.counted(), before.files()) == ["context extra: removed"]


def test_index_fingerprint_does_not_know_order():
    assert index_fingerprint({"a": "1", "b": "2"}) == index_fingerprint({"b": "2", "a": "1"})
    assert index_fingerprint({"a": "1"}) != index_fingerprint({"a": "1", "b": "2"})


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("7d", 604800),
        ("12h", 43200),
        ("2w", 1209600),
        ("0d", None),
        ("7", None),
        ("d", None),
        ("7 d", None),
        ("-1d", None),
    ],
)
def test_parse_age(text, seconds):
    assert parse_age(text) == seconds


def test_all_hosts_agree_on_a_period():
    assert age_period(1_000_000.9, 1000) == age_period(1_000_999.0, 1000) == 1000
    assert age_period(1_001_000.0, 1000) == 1001
