# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page on scale says in words, its figures say too: those that were measured last."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(name="measured")
def measured_figures(repository_root):
    return json.loads((repository_root / "tests/bench/scale.json").read_text())


@pytest.fixture(name="rows")
def rows_by_tags(measured):
    return {row["tags"]: row for row in measured["registry"]["rows"]}


def test_a_no_op_is_one_request_and_flat(rows):
    assert max(rows) >= 10_000
    assert {row["no_op"]["requests"] for row in rows.values()} == {1}
    seconds = [row["no_op"]["seconds"] for row in rows.values()]
    assert max(seconds) < 2 * min(seconds)


@pytest.mark.parametrize("what", ["collect_nothing", "collect_tenth"])
def test_garbage_collection_is_linear(rows, what):
    few, many = rows[1000], rows[10_000]
    assert 5 < many[what]["seconds"] / few[what]["seconds"] < 15
    # That a row collected what it was to: a build has more blobs than one.
    assert many["collect_tenth"]["blobs"] > 5 * few["collect_tenth"]["blobs"]


def test_hosts_are_linear_and_no_host_does_more_with_others_beside_it(measured):
    rows = {row["hosts"]: row for row in measured["hosts"]["rows"] if row["forks"] == 5}
    assert {1, 5, 20, 50} <= set(rows)
    assert len({(row["ok"], row["skipped"]) for row in rows.values()}) == 1
    each = [rows[hosts]["seconds"] / hosts for hosts in (5, 20, 50)]
    assert max(each) < 1.5 * min(each)
