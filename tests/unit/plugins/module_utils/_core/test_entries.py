# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.entries import entries, plan_each
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

TOP = {"reference": None, "tags": ["a"], "tests": [], "other": 1}


@pytest.mark.parametrize(
    "images, expected",
    [
        pytest.param(None, [{"reference": None, "tags": ["a"]}], id="the-top-level-alone"),
        pytest.param([], [], id="an-empty-list"),
        pytest.param(
            [{"reference": "x", "tags": None}, {"reference": "y", "tags": []}, {"reference": "z", "tags": ["b"]}],
            [
                {"reference": "x", "tags": ["a"]},
                {"reference": "y", "tags": []},
                {"reference": "z", "tags": ["b"]},
            ],
            id="what-is-not-set-comes-from-the-top",
        ),
    ],
)
def test_entries(images, expected):
    assert entries({**TOP, "images": images}, "images", ("reference", "tags")) == expected


def plan(entry):
    if entry["reference"] == "missing":
        raise MissingPrerequisite("missing is not there.", task="image_build")
    if entry["reference"] == "wrong":
        raise CollectionError("wrong is wrong.", fact=1)
    return entry["reference"]


def plans(*references):
    return plan_each(
        [{"reference": reference} for reference in references], plan, lambda planned: {"reference": planned}
    )


def test_all_are_planned():
    assert plans("a", "b") == ["a", "b"]


@pytest.mark.parametrize(
    "references, kind, msg, facts",
    [
        pytest.param(["wrong"], CollectionError, "wrong is wrong.", {"fact": 1}, id="one-is-as-it-is"),
        pytest.param(["missing"], MissingPrerequisite, "missing is not there.", {}, id="one-is-missing"),
        pytest.param(
            ["wrong", "a", "wrong"], CollectionError, "wrong is wrong.\nwrong is wrong.", {}, id="all-are-told"
        ),
        pytest.param(
            ["wrong", "missing"],
            CollectionError,
            "wrong is wrong.\nmissing is not there.",
            {},
            id="no-other-task-helps-what-is-wrong",
        ),
        pytest.param(
            ["a", "missing"],
            MissingPrerequisite,
            "missing is not there.",
            {
                "images": [
                    {"reference": "a"},
                    {"reference": "missing", "unknown": True, "msg": "missing is not there."},
                ]
            },
            id="what-is-known-stays-with-what-is-not",
        ),
    ],
)
def test_errors(references, kind, msg, facts):
    with pytest.raises(CollectionError) as raised:
        plans(*references)
    assert type(raised.value) is kind
    assert (raised.value.msg, raised.value.facts) == (msg, facts)
