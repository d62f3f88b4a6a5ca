# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with a kernel of its own is a node: it built its platform, tested it, and is closed to others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


@pytest.fixture(scope="module")
def bridge():
    """The network of the engine on which hosts are."""
    command = ["docker", "network", "inspect", "--format", "{{json (index .IPAM.Config 0)}}", "bridge"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def on_the_machine(bridge):
    """``on_the_machine("uname -m")``: what a command prints there."""
    ssh = ["ssh", "-i", str(FOLDER / "ssh"), "-o", f"UserKnownHostsFile={FOLDER / 'known_hosts'}", "-p", "2222"]

    def run(command):
        done = subprocess.run([*ssh, f"root@{bridge['Gateway']}", command], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return run


def test_its_kernel_is_its_own(on_the_machine):
    assert on_the_machine("uname -m") == "aarch64"
    assert on_the_machine("uname -r") != os.uname().release
    assert on_the_machine("docker info --format '{{.Architecture}}'") == "aarch64"


def test_it_built_and_tested_its_platform():
    first = json.loads((FOLDER / "report-first.json").read_text())["images"]
    (api,) = (image for image in first if image["name"] == "api")
    (built,) = (entry for entry in api["platforms"] if entry["platform"] == "linux/arm64")
    (tested,) = (entry for entry in api["smoke_test"]["platforms"] if entry["platform"] == "linux/arm64")
    assert (built["node"], built["native"], built["emulated_steps"]) == ("arm64", True, 0)
    assert (tested["passed"], tested["emulated"]) == (True, False)


def test_its_services_run(on_the_machine, bridge):
    assert on_the_machine("systemctl is-system-running") == "running"
    for unit in ("imagefleet-buildkitd", "imagefleet-buildkitd-port"):
        assert on_the_machine(f"systemctl is-enabled {unit}") == "enabled"
    assert f"ip saddr {bridge['Subnet']} tcp dport 1234 accept" in on_the_machine("nft list ruleset")
