# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second host is drained: the first one builds its platform, under emulation. Before, both nodes were looked after."""

from __future__ import annotations

import json
import os
from pathlib import Path


def test_both_nodes_were_looked_after():
    report = json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "report/upkeep-amd64.json").read_text())
    assert report["problems"] == []
    assert {node["name"] for node in report["nodes"]} == {"amd64", "arm64"}
    assert all(node["cache"] > 0 for node in report["nodes"])
    subjects = [[shown["subject"] for shown in node["certificates"]] for node in report["nodes"]]
    assert all(len(shown) >= 2 for shown in subjects), subjects


def test_its_node_has_left(nodes):
    assert nodes == {"amd64": ({"linux/amd64", "linux/arm64"}, "running")}


def test_the_first_host_has_an_emulator_now(host, name):
    kept = host.check_output("find /etc/binfmt.d -name 'qemu-*.conf'")
    assert ("qemu-aarch64" in kept) == (name == "amd64")


def test_its_daemon_is_left_alone(host):
    assert host.service("imagefleet-buildkitd").is_running
