# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment import rollout
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Container
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.rollout import (
    Replacement,
    Rollout,
    plan_rollout,
)


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


class Host:
    """An engine and Compose with one container, whose new one tells its health one by one."""

    def __init__(self, *healths):
        self.healths, self.names = list(healths), ["dify-api-1"]

    def add_container(self, _folder, service, count):
        self.names.append(f"dify-{service}-{count}")

    def of_service(self, service):
        return [Container(name, service, "") for name in self.names if f"-{service}-" in name]

    def health(self, _name):
        return self.healths.pop(0) if len(self.healths) > 1 else self.healths[0]

    def last_log(self, _name):
        return "still loading"

    def remove(self, name, _grace):
        self.names.remove(name)


@pytest.fixture
def no_wait(monkeypatch):
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 0)
    monkeypatch.setattr(rollout, "effective_values", lambda folder: {})


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize(
    "healths, left",
    [
        pytest.param(["starting", "healthy"], ["dify-api-2"], id="starts"),
        pytest.param(
            ["starting", "unhealthy", "unhealthy", "healthy"], ["dify-api-2"], id="a-slow-start-is-no-failure"
        ),
        pytest.param(["starting", "gone", "healthy"], None, id="one-that-ended-is"),
    ],
)
def test_a_new_container_has_all_the_time_that_is_given(tmp_path, healths, left):
    host = Host(*healths)
    replaced = Rollout(host, host, str(tmp_path), wait=60, grace=0)
    if left is None:
        with pytest.raises(CollectionError, match="new container of api is gone .* it said: still loading"):
            replaced.replace(Replacement("api", ("dify-api-1",)))
    else:
        assert replaced.replace(Replacement("api", ("dify-api-1",))) == left
    assert host.names == (left or ["dify-api-1"])


@pytest.mark.usefixtures("no_wait")
def test_the_time_that_is_given_ends(tmp_path):
    host = Host("unhealthy")
    with pytest.raises(CollectionError, match="is unhealthy after at most 0 s"):
        Rollout(host, host, str(tmp_path), wait=0, grace=0).replace(Replacement("api", ("dify-api-1",)))
    assert host.names == ["dify-api-1"]
