# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import (
    is_migrating,
    plan_phase,
    removable,
    restoring,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import State


def pending(release, phase, migrating=False):
    return {"release": release, "phase": phase, **({"migrating": "yes"} if migrating else {})}


RUNS = State("b", "a")
MIGRATING = State("b", "a", pending("c", "migrating", True))


@pytest.mark.parametrize(
    "current, release, phase, after",
    [
        pytest.param(State(), "a", "starting", State(None, None, pending("a", "starting")), id="first"),
        pytest.param(State(), "a", "active", State("a", None), id="first-is-active"),
        pytest.param(RUNS, "c", "stopped", State("b", "a", pending("c", "stopped")), id="stopped"),
        pytest.param(RUNS, "c", "migrating", MIGRATING, id="migrating"),
        pytest.param(RUNS, "c", "starting", State("b", "a", pending("c", "starting")), id="without-a-migration"),
        pytest.param(MIGRATING, "c", "starting", State("b", "a", pending("c", "starting", True)), id="still-migrated"),
        pytest.param(MIGRATING, "c", "migrating", MIGRATING, id="taken-up-again"),
        pytest.param(
            MIGRATING, "d", "stopped", State("b", "a", pending("d", "stopped", True)), id="by-a-newer-release"
        ),
        pytest.param(State("b", "a", pending("c", "starting", True)), "c", "active", State("c", "b"), id="active"),
        pytest.param(RUNS, "b", "active", RUNS, id="active-again"),
        pytest.param(RUNS, "a", "active", State("a", "b"), id="back"),
        pytest.param(
            State("b", "a", pending("c", "starting")),
            "b",
            "starting",
            State("b", "a", pending("b", "starting")),
            id="back-without-a-migration",
        ),
        pytest.param(State("b", "a", pending("b", "starting")), "b", "active", RUNS, id="came-back"),
    ],
)
def test_plan_phase(current, release, phase, after):
    assert plan_phase(current, release, phase, {"a", "b"}) == after


@pytest.mark.parametrize("phase", ["stopped", "migrating", "starting", "active"])
def test_data_that_are_partly_of_a_backup_are_used_by_none(phase):
    current = restoring(State("b", "a"), "a", "a-20260101")
    assert (current.active, current.previous, is_migrating(current)) == ("b", "a", True)
    for release in ("a", "b", "c"):
        with pytest.raises(CollectionError, match="a-20260101 is only put back in part. Run the rollback playbook"):
            plan_phase(current, release, phase, {"a", "b"})


@pytest.mark.parametrize("phase", ["stopped", "migrating", "starting", "active"])
@pytest.mark.parametrize("release", ["b", "a"], ids=["active", "previous"])
def test_no_release_starts_that_only_knows_the_database_before(release, phase):
    message = rf"The database is on its way to release c \(phase migrating\), and release {release} only knows it"
    with pytest.raises(CollectionError, match=message):
        plan_phase(MIGRATING, release, phase, {"a", "b"})


def test_the_release_that_is_migrated_to_is_not_refused():
    state = State("b", "a", pending("b", "starting", True))
    assert plan_phase(state, "b", "active", {"a", "b"}) == RUNS


@pytest.mark.parametrize(
    "state, migrating",
    [
        pytest.param(State(), False, id="nothing"),
        pytest.param(RUNS, False, id="settled"),
        pytest.param(State("b", "a", pending("c", "stopped")), False, id="stopped"),
        pytest.param(MIGRATING, True, id="migrating"),
        pytest.param(State("b", "a", pending("c", "starting", True)), True, id="migrated-and-not-active"),
    ],
)
def test_is_migrating(state, migrating):
    assert is_migrating(state) is migrating


@pytest.mark.parametrize(
    "state, keep, expected",
    [
        pytest.param(State(), 5, [], id="few"),
        pytest.param(State(), 2, ["a", "b"], id="the-oldest-go"),
        pytest.param(State(), 0, ["a", "b", "c", "d"], id="all"),
        pytest.param(State("d", "c"), 0, ["a", "b"], id="active-and-previous-stay"),
        pytest.param(State("a", "b"), 0, ["c", "d"], id="however-old"),
        pytest.param(State("d", "c"), 1, ["a"], id="besides-those-in-use"),
        pytest.param(State("d", None, pending("a", "stopped")), 0, ["b", "c"], id="what-is-changed-to-stays"),
    ],
)
def test_removable(state, keep, expected):
    assert removable(["a", "b", "c", "d"], state, keep) == expected
