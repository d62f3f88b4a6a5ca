# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.entries import plan_each
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

TOP = {"reference": None, "tags": ["a"], "other": 1}
MISSING = {"reference": "missing", "unknown": True, "msg": "missing is not there."}


def plans(images, plan=lambda asked: asked, **top):
    return plan_each({**TOP, **top, "images": images}, "images", ("reference", "tags"), plan, lambda planned: planned)


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
def test_what_is_asked_for(images, expected):
    assert plans(images) == expected


def plan(asked):
    if asked["reference"] == "missing":
        raise MissingPrerequisite("missing is not there.", task="image_build", reference="missing")
    if asked["reference"] == "wrong":
        raise CollectionError("wrong is wrong.", fact=1)
    return {"reference": asked["reference"]}


@pytest.mark.parametrize(
    "references, kind, msg, facts",
    [
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
            ["missing"], MissingPrerequisite, "missing is not there.", {"images": [MISSING]}, id="a-list-of-one"
        ),
        pytest.param(
            ["a", "missing"],
            MissingPrerequisite,
            "missing is not there.",
            {"images": [{"reference": "a"}, MISSING]},
            id="what-is-known-stays-with-what-is-not",
        ),
    ],
)
def test_errors_of_entries(references, kind, msg, facts):
    with pytest.raises(CollectionError) as raised:
        plans([{"reference": reference} for reference in references], plan)
    assert type(raised.value) is kind
    assert (raised.value.msg, raised.value.facts) == (msg, facts)


def test_the_error_of_one_is_as_it_is():
    with pytest.raises(CollectionError) as raised:
        plans(None, plan, reference="missing")
    assert raised.value.facts == {"reference": "missing"}
