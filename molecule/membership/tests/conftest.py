# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fleet's builder is, and what a host has of BuildKit."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, Callable

import pytest

FOLDER = "/var/lib/imagefleet/buildx"


@pytest.fixture(scope="module")
def endpoints() -> dict[str, str]:
    """Where the builder's nodes are, by their names. Each has to run."""
    shown = _ask(f"BUILDX_CONFIG={FOLDER} docker buildx inspect --bootstrap dify-builder")
    nodes = {node["Name"]: node["Endpoint"] for node in _instance()["Nodes"]}
    assert shown.count("Status:") == shown.count("running") == len(nodes), shown
    return nodes


@pytest.fixture
def listens(host: Any) -> Callable[[int], bool]:
    """Whether something on the host listens at a port for others."""
    return lambda port: any(f":{port}" in line for line in host.check_output("ss -Hltn").splitlines())


def _instance() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_ask(f"cat {FOLDER}/instances/dify-builder"))
    return found


def _ask(command: str) -> str:
    container = f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}-driving"
    asked = ["docker", "exec", container, "sh", "-c", command]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout
