# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Container
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.rollout import Replacement, plan_rollout


def containers(service, *numbers):
    return [Container(f"dify-{service}-{number}", service, f"2025-01-0{number}T00:00:00Z") for number in numbers]


@pytest.mark.parametrize(
    "running, outdated, expected",
    [
        pytest.param({}, [], [], id="nothing-runs"),
        pytest.param({"api": []}, ["dify-api-1"], [], id="only-to-be-started"),
        pytest.param({"api": containers("api", 1)}, [], [], id="as-it-should-be"),
        pytest.param(
            {"api": containers("api", 1)}, ["dify-api-1"], [Replacement("api", ("dify-api-1",))], id="to-be-replaced"
        ),
        pytest.param(
            {"api": containers("api", 1, 2)},
            ["dify-api-1"],
            [Replacement("api", ("dify-api-1",), ("dify-api-2",))],
            id="begun-by-a-run-that-was-ended",
        ),
        pytest.param(
            {"api": containers("api", 1, 2)},
            ["dify-api-2", "dify-api-1"],
            [Replacement("api", ("dify-api-1", "dify-api-2"))],
            id="all-of-several",
        ),
        pytest.param(
            {"web": containers("web", 1), "api": containers("api", 1)},
            ["dify-api-1", "dify-web-1"],
            [Replacement("api", ("dify-api-1",)), Replacement("web", ("dify-web-1",))],
            id="in-the-order-that-is-asked-for",
        ),
        pytest.param(
            {"api": containers("api", 1), "redis": containers("redis", 1)},
            ["dify-redis-1"],
            [],
            id="only-what-is-asked-for",
        ),
    ],
)
def test_plan_rollout(running, outdated, expected):
    assert plan_rollout(["api", "web"], running, outdated) == expected
