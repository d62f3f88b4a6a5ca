# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fleet's builder is, and what the last build says of itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

DRIVING = "amd64"
INSPECT = "BUILDX_CONFIG=/var/lib/imagefleet/buildx docker buildx inspect dify-builder"


class Report(NamedTuple):
    """Of the last build of the api, by platform, how it was built and how it was tested."""

    built: dict[str, dict[str, Any]]
    tested: dict[str, dict[str, Any]]


class Node(NamedTuple):
    """A node of the builder: the platforms that are sent to it, and whether it runs."""

    platforms: set[str]
    status: str


@pytest.fixture
def first_report() -> Report:
    """What the first build says of itself."""
    return _read("report-first.json")


@pytest.fixture
def report() -> Report:
    """What the last build says of itself."""
    return _read("report/report.json")


@pytest.fixture
def nodes() -> dict[str, Node]:
    """The builder's nodes by name, as buildx on the driving host tells of them."""
    container = f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}-{DRIVING}"
    command = ["docker", "exec", container, "sh", "-c", INSPECT]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, dict[str, str]] = {}
    node: dict[str, str] = {}
    for line in printed.partition("\nNodes:\n")[2].splitlines():
        key, _colon, value = line.partition(":")
        if key == "Name":
            node = found.setdefault(value.strip(), {})
        else:
            node[key] = value.strip()
    return {name: Node(_declared(node["Platforms"]), node["Status"]) for name, node in found.items()}


def _declared(platforms: str) -> set[str]:
    """Those that buildx marks, as they were declared and not detected."""
    return {name.removesuffix("*") for name in platforms.split(", ") if name.endswith("*")}


def _read(name: str) -> Report:
    images = json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], name).read_text())["images"]
    api = next(image for image in images if image["name"] == "api")
    return Report(*({entry["platform"]: entry for entry in part["platforms"]} for part in (api, api["smoke_test"])))
