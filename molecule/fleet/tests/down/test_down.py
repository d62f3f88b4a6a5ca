# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second host was killed while it built: what that build said, and what the next one made of what was left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VERSION = "0.15.90"


@pytest.fixture
def broken():
    """The exit code of the build whose node was killed, and what it printed."""
    code, _newline, printed = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "broken.txt").read_text().partition("\n")
    return int(code), printed


def test_the_build_names_node_and_platform(broken):
    code, printed = broken
    assert code == 2
    assert "api for linux/arm64 failed on node arm64: node gone." in printed
    assert "Traceback" not in printed


def test_the_tag_points_where_it_pointed(registry, first_report):
    index = registry(f"fleet/dify-api/manifests/{VERSION}")
    found = {entry["digest"] for entry in index["manifests"] if entry["platform"]["architecture"] != "unknown"}
    assert found == {entry["digest"] for entry in first_report.built.values()}


def test_its_node_is_left_out(nodes):
    assert nodes == {"amd64": ({"linux/amd64", "linux/arm64"}, "running")}


def test_the_first_host_built_and_tested_what_was_missing(report):
    # What the broken build had finished is there.
    assert not report.built["linux/amd64"]["built"]
    assert report.built["linux/arm64"]["node"] == "amd64"
    assert report.built["linux/arm64"]["emulated_steps"] > 0
    tested = {platform: (entry["passed"], entry["emulated"]) for platform, entry in report.tested.items()}
    assert tested == {"linux/amd64": (True, False), "linux/arm64": (True, True)}


def test_the_new_tag_has_both_platforms(registry):
    index = registry("fleet/dify-api/manifests/left")
    assert {entry["platform"]["architecture"] for entry in index["manifests"]} - {"unknown"} == {"amd64", "arm64"}
