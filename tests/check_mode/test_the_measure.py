# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measure itself: deliberate lies in check mode are caught, each by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.machine_snapshot import differences
from support.prediction import hold_against_run


class Liar:
    """A runner whose modules do not keep to check mode, in one of the ways in which real ones fail."""

    def __init__(self, modules, lie, folder):
        self.modules, self.lie, self.folder = modules, lie, folder

    def run(self, module, check=False, **args):
        if self.lie == "applies in check mode":
            check = False
        if self.lie == "does nothing in the run":
            check = True
        result = self.modules.run(module, check=check, **args)
        if self.lie == "leaves a file behind" and check:
            (Path(self.folder) / "left").write_text("")
        if self.lie == "hides a command" and check:
            result["commands"] = result["commands"][:-1]
        if self.lie == "says nothing of a change":
            result["changed"] = False
        if self.lie == "always finds a change":
            result["changed"] = True
        if self.lie == "fails only in the run" and not check:
            return {"failed": True, "msg": "no"}
        return result


@pytest.fixture
def builder(tmp_path):
    """Arguments of a builder that is not there yet."""
    return {
        "name": "b1",
        "driver": "remote",
        "nodes": [{"name": "n1", "endpoint": "tcp://127.0.0.1:1", "platforms": ["linux/amd64"]}],
        "buildx_config": str(tmp_path / "buildx"),
    }


@pytest.mark.parametrize(
    "lie, words",
    [
        pytest.param("applies in check mode", "check mode changed something", id="applies"),
        pytest.param("leaves a file behind", "check mode changed something", id="leaves-a-file"),
        pytest.param("does nothing in the run", "changed is not the truth", id="does-nothing"),
        pytest.param("hides a command", "the run did something else", id="hides-a-command"),
        pytest.param("says nothing of a change", "changed is not the truth", id="hides-a-change"),
        pytest.param("always finds a change", "there is still something to do", id="finds-a-change"),
        pytest.param("fails only in the run", "only the run failed", id="fails-only-in-the-run"),
    ],
)
def test_a_lie_is_caught(modules, snapshot, builder, tmp_path, lie, words):
    with pytest.raises(AssertionError, match=words):
        hold_against_run(Liar(modules, lie, tmp_path), snapshot, "buildx_builder", **builder)


def test_the_same_without_a_lie_is_accepted(modules, snapshot, builder):
    assert hold_against_run(modules, snapshot, "buildx_builder", **builder)["changed"]


@pytest.mark.parametrize(
    "made, counts",
    [
        pytest.param("2026-01-01T00:00:00.5Z", True, id="made-since"),
        # What BuildKit was clearing away when it was asked is not in its answer.
        pytest.param("2025-12-31T23:59:59.999999999Z", False, id="there-before-and-not-told-of"),
    ],
)
def test_a_record_of_the_cache_counts_once_it_is_made(made, counts):
    before = {"cache": {"old": "2025-01-01T00:00:00Z"}, "time": {"engine": "2026-01-01T00:00:00.000000001Z"}}
    after = {"cache": {"new": made}, "time": {"engine": "2026-01-01T00:00:01Z"}}
    assert differences(before, after) == (["cache: new appeared"] if counts else [])
