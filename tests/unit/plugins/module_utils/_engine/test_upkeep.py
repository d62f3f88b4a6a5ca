# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.upkeep import (
    BuilderVolume,
    HostFacts,
    Policy,
    Upkeep,
    find_problems,
    known_nodes,
    node_of,
    plan_upkeep,
)

NOW = datetime(2026, 11, 27, 12)
GB = 10**9
VOLUME = BuilderVolume("buildx_buildkit_old0_state", "old0", NOW - timedelta(days=9), 5 * GB, in_use=False)
FACTS = HostFacts("/var/lib/docker", 100 * GB, 30 * GB, 40 * GB, (VOLUME,), frozenset({"dify-builder0"}))
POLICY = Policy(20 * GB, cache_max=50 * GB, orphans_after=timedelta(days=7))


@pytest.mark.parametrize(
    "facts, policy, upkeep",
    [
        pytest.param(FACTS, POLICY, Upkeep((VOLUME,), None), id="an-orphan"),
        pytest.param(FACTS, replace(POLICY, orphans_after=timedelta(days=10)), Upkeep((), None), id="too-young"),
        pytest.param(FACTS, replace(POLICY, orphans_after=None), Upkeep((), None), id="kept"),
        pytest.param(replace(FACTS, nodes=frozenset({"old0"})), POLICY, Upkeep((), None), id="a-builder-has-it"),
        pytest.param(replace(FACTS, volumes=(replace(VOLUME, in_use=True),)), POLICY, Upkeep((), None), id="in-use"),
        pytest.param(replace(FACTS, cache=51 * GB, volumes=()), POLICY, Upkeep((), 50 * GB), id="too-much-cache"),
        pytest.param(
            replace(FACTS, cache=51 * GB, volumes=()), replace(POLICY, cache_max=None), Upkeep((), None), id="any-cache"
        ),
        pytest.param(replace(FACTS, volumes=()), replace(POLICY, cache_max=0), Upkeep((), 0), id="no-cache"),
    ],
)
def test_plan_upkeep(facts, policy, upkeep):
    assert plan_upkeep(facts, policy, NOW) == upkeep


def test_find_problems():
    assert find_problems(FACTS, POLICY) == []
    (problem,) = find_problems(replace(FACTS, free=19 * GB), POLICY)
    assert "19.0 GB of 100.0 are free for /var/lib/docker, and 20.0 GB are wanted (min_free)" in problem


@pytest.mark.parametrize(
    "volume, node",
    [
        pytest.param("buildx_buildkit_dify-builder0_state", "dify-builder0", id="of-a-node"),
        pytest.param("buildx_buildkit_a_state_state", "a_state", id="of-a-node-with-an-odd-name"),
        pytest.param("dify_data", None, id="of-a-deployment"),
        pytest.param("buildx_buildkit__state", None, id="without-a-node"),
    ],
)
def test_node_of(volume, node):
    assert node_of(volume) == node


def test_known_nodes():
    builders = [
        {"Name": "b", "Nodes": [{"Name": "b0"}, {"Name": "b1"}]},
        {"Name": "none", "Nodes": None},
        [],
        {"Nodes": ["x"]},
    ]
    assert known_nodes(builders) == {"b0", "b1"}
