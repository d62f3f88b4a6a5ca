# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provision playbook where a host of the fleet is away, and where a cluster is the fleet, as check mode has it.

Hosts that really build together are in Molecule's scenario ``fleet``.
"""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from support.registries import free_port

OURS = {"build_host_engine_source": "distribution", "build_host_disk_minimum": 1}


@pytest.fixture
def provision(playbook_environment, repository_root, tmp_path):
    """Run the playbook in check mode on this machine, the first host of a fleet; its exit code and what it printed."""

    def run(clock_ahead=0, unfit=False, **variables):
        environment = {**playbook_environment, "TZ": "Asia/Tokyo"}  # no controller has to be in UTC
        if clock_ahead:
            date = tmp_path / "bin/date"
            date.parent.mkdir()
            date.write_text(f"#!/bin/sh\n[ $# = 1 ] && [ $1 = +%s ] && echo {int(time.time()) + clock_ahead}\n")
            date.chmod(0o755)
            environment["PATH"] = f"{date.parent}:{environment['PATH']}"
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        away = {"ansible_host": "127.0.0.1", "ansible_port": free_port()}
        hosts = {"here": here, "away": away}
        if unfit:
            hosts["unfit"] = {**here, "build_host_memory_minimum": 10**9}
        inventory = {"build_hosts": {"hosts": hosts}}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        variables = {**OURS, "build_host_buildx_config": str(tmp_path / "buildx"), **variables}
        command = ["ansible-playbook", "-i", str(tmp_path / "inventory.json"), "--check", "--limit", "!away", "-v"]
        done = subprocess.run(
            [*command, "playbooks/provision.yml", "--extra-vars", json.dumps(variables)],
            cwd=repository_root, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_host_that_is_away_stops_it(provision):
    code, printed = provision()
    assert code == 2
    assert "Of the fleet, these hosts cannot be reached: away." in printed
    assert "build_host_unreachable_nodes" in printed


def test_or_is_left_out(provision):
    # Of this machine nothing is assumed, and without systemd its port cannot be closed.
    code, printed = provision(build_host_unreachable_nodes="skip", build_host_node_clients=["any"])
    assert code == 0, printed
    assert "Left out, as they cannot be reached: away." in printed
    assert "Make one builder of all nodes" in printed


def test_a_host_that_failed_is_not_taken_for_one_that_is_away(provision):
    code, printed = provision(unfit=True, build_host_unreachable_nodes="skip")
    assert code == 2
    assert "failed in this run or were lost for a moment: unfit." in printed
    assert "Left out" not in printed


def test_nobody_stands_in_for_a_driving_host(provision):
    code, printed = provision(build_host_driving_host="away", build_host_unreachable_nodes="skip")
    assert code == 2
    assert "The driving host away (build_host_driving_host) cannot be reached." in printed


def test_a_port_is_opened_for_addresses_only(provision):
    code, printed = provision(build_host_unreachable_nodes="skip", build_host_node_clients=["driver.example.com"])
    assert code == 2
    assert "BuildKit on here cannot be opened for driver.example.com." in printed


def test_a_clock_that_certificates_do_not_fit_is_named(provision):
    code, printed = provision(-900, build_host_unreachable_nodes="skip", build_host_node_clients=["any"])
    assert code == 2
    assert "seconds behind the controller's" in printed


def test_a_cluster_is_a_fleet_of_its_own(provision):
    nodes = [
        {"name": "amd", "platforms": ["linux/amd64"], "driver_opts": {"namespace": "build", "replicas": "3"}},
        {"name": "arm", "platforms": ["linux/arm64"], "driver_opts": {"namespace": "build", "replicas": "2"}},
    ]
    code, printed = provision(
        build_host_builder_driver="kubernetes", build_host_builder_name="pods", build_host_builder_nodes=nodes
    )
    assert code == 0, printed
    found = [json.loads(line.partition(" => ")[2]) for line in printed.splitlines() if '"buildx_version"' in line]
    created = [" ".join(command) for command in found[0]["commands"]]
    assert [command.partition(" --buildkitd-config")[0] for command in created] == [
        "buildx create --name pods --node amd --driver kubernetes --platform linux/amd64"
        " --driver-opt namespace=build --driver-opt replicas=3",
        "buildx create --name pods --node arm --driver kubernetes --append --platform linux/arm64"
        " --driver-opt namespace=build --driver-opt replicas=2",
    ]
