# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fleet's builder is, and what a host has of BuildKit."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any, Callable

import pytest

FOLDER = "/var/lib/imagefleet/buildx"


@pytest.fixture(scope="module")
def driver() -> str:
    """The host that drives."""
    return "driving"


@pytest.fixture(scope="module")
def running() -> Callable[[str], int]:
    """How many nodes of the builder that a host has do run."""
    inspect = f"BUILDX_CONFIG={FOLDER} timeout 120 docker buildx inspect --bootstrap dify-builder"
    return lambda name: len(re.findall("^Status: +running$", _ask(name, inspect, check=False), re.MULTILINE))


@pytest.fixture(scope="module")
def endpoints(driver: str, running: Callable[[str], int]) -> dict[str, str]:
    """Where the builder's nodes are, by their names. Each has to run."""
    instance = json.loads(_ask(driver, f"cat {FOLDER}/instances/dify-builder"))
    nodes = {node["Name"]: node["Endpoint"] for node in instance["Nodes"]}
    assert running(driver) == len(nodes)
    return nodes


@pytest.fixture
def listens(host: Any) -> Callable[[int], bool]:
    """Whether something on the host listens at a port for others."""
    return lambda port: any(f":{port}" in line for line in host.check_output("ss -Hltn").splitlines())


def _ask(name: str, command: str, check: bool = True) -> str:
    container = f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}-{name}"
    asked = ["docker", "exec", container, "sh", "-c", command]
    return subprocess.run(asked, check=check, capture_output=True, text=True).stdout
