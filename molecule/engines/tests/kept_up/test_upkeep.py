# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upkeep was told to keep no cache."""

from __future__ import annotations

import json
import os
from pathlib import Path


def test_nothing_is_kept_of_builds(host):
    rows = [json.loads(line) for line in host.check_output("docker system df --format json").splitlines()]
    assert next(row["Size"] for row in rows if row["Type"] == "Build Cache") == "0B"


def test_the_report_says_what_went():
    report = json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "report/upkeep-first.json").read_text())
    assert {node["name"] for node in report["nodes"]} == {"first", "second"}
    # To four digits, of what was there and of what went.
    assert all(node["reclaimed"] >= 0.9 * node["cache"] > 0 for node in report["nodes"])
    assert report["problems"] == []


def test_nodes_stay(host, name):
    assert host.check_output("docker ps --format '{{.Names}}'") == f"buildx_buildkit_{name}"
