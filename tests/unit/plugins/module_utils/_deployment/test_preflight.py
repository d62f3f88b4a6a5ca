# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preflight import (
    HostFacts,
    Requirements,
    find_problems,
)

GIGABYTE = 1000**3
FACTS = HostFacts("27.1.2", "2.30.0", 8 * GIGABYTE, {"/var/lib/docker": 50 * GIGABYTE}, ())
WANTED = Requirements("24.0.0", "2.24.4", 4, 20)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="enough"),
        pytest.param({"engine": "24.0.0", "compose": "2.24.4"}, id="exactly-the-versions"),
        pytest.param({"memory": 4 * GIGABYTE, "free": {"/": 20 * GIGABYTE}}, id="exactly-the-sizes"),
        pytest.param({"engine": "100.0.0"}, id="numbers-are-no-texts"),
        pytest.param({"compose": "v2.24.4"}, id="letter-before-the-version"),
        pytest.param({"compose": "2.24.4-desktop.1"}, id="desktop"),
        pytest.param({"engine": "26.1.5+dfsg1"}, id="debian"),
    ],
)
def test_no_problems(facts):
    assert find_problems(dataclasses.replace(FACTS, **facts), WANTED) == []


@pytest.mark.parametrize(
    "facts, problem",
    [
        pytest.param({"engine": None}, "Docker Engine does not answer: is it installed and running?", id="no-engine"),
        pytest.param({"compose": None}, "Compose does not answer", id="no-compose"),
        pytest.param({"engine": "23.0.6"}, "Docker Engine is 23.0.6, and at least 24.0.0 is needed.", id="old-engine"),
        pytest.param({"compose": "2.24.3"}, "Compose is 2.24.3, and at least 2.24.4 is needed.", id="old-compose"),
        pytest.param({"compose": "v2.9.9"}, "Compose is v2.9.9, and", id="nine-is-less-than-twenty-four"),
        pytest.param(
            {"memory": 2 * GIGABYTE}, "The host has 2.0 GB of memory, and min_memory wants 4.", id="little-memory"
        ),
        pytest.param(
            {"free": {"/srv": 19.5 * GIGABYTE}}, "/srv has 19.5 GB free, and min_disk wants 20.", id="full-disk"
        ),
        pytest.param({"occupied": [80]}, "Port 80 is taken by another program.", id="port"),
        pytest.param(
            {"writers": {"docker-db-1": "docker"}},
            "The container docker-db-1 of the Compose project docker uses the data",
            id="another-project-has-the-data",
        ),
        pytest.param({"writers": {"db": ""}}, "The container db uses the data", id="another-container-has-the-data"),
    ],
)
def test_a_problem(facts, problem):
    (found,) = find_problems(dataclasses.replace(FACTS, **facts), WANTED)
    assert found.startswith(problem)


def test_all_problems_are_told():
    facts = HostFacts(None, "1.29.2", 0, {"/a": 0, "/b": 0, "/c": 90 * GIGABYTE}, (80, 443))
    assert len(find_problems(facts, WANTED)) == 7


def test_parts_of_a_gigabyte():
    (found,) = find_problems(dataclasses.replace(FACTS, memory=1 * GIGABYTE), dataclasses.replace(WANTED, memory=1.5))
    assert "min_memory wants 1.5." in found
