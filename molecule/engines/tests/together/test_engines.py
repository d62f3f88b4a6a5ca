# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two engines form one builder, over ssh: who has which key, who is known, and where the image was built."""

from __future__ import annotations

import json
import os
from pathlib import Path

VERSION = "0.15.90"
DRIVING = "second"
KEY = "/root/.ssh/fleet"
FLEET = "/etc/imagefleet/fleet"


def test_each_engine_runs_a_node_of_the_builder(host, name):
    running = host.check_output("docker ps --format '{{.Names}} {{.Image}}'").split()
    assert running == [f"buildx_buildkit_{name}", "registry.test:5000/builders/stand-in:latest"]


def test_the_driving_host_reaches_them_by_their_addresses(host, name, address):
    instance = host.file("/var/lib/imagefleet/buildx/instances/dify-builder")
    assert instance.exists == (name == DRIVING)
    if instance.exists:
        endpoints = {node["Name"]: node["Endpoint"] for node in json.loads(instance.content_string)["Nodes"]}
        assert endpoints == {node: f"ssh://root@{address(node)}:22" for node in ("first", "second")}


def test_the_key_is_where_it_was_asked_for(host, name):
    assert host.file(KEY).exists == (name == DRIVING)
    assert not host.file(f"{FLEET}/ssh").exists
    if name == DRIVING:
        assert host.file(KEY).mode == 0o600


def test_each_host_lets_that_key_in_once(host):
    comments = [line for line in host.file("/root/.ssh/authorized_keys").content_string.splitlines() if line]
    assert len([line for line in comments if line.endswith(f"builds from {DRIVING}")]) == 1


def test_hosts_are_known_by_their_own_keys(host, name, address):
    if name != DRIVING:
        assert not host.file(f"{FLEET}/known_hosts").exists
        return
    pinned = dict(line.split(maxsplit=1) for line in host.file(f"{FLEET}/known_hosts").content_string.splitlines())
    assert pinned.keys() == {address("first"), address("second")}
    assert len(set(pinned.values())) == 2
    refused = "ssh -o BatchMode=yes -o UserKnownHostsFile=/dev/null"
    assert "Host key verification failed" in host.run(f"{refused} {address('first')} true").stderr


def test_no_port_but_ssh_is_open(host):
    addresses = [line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines()]
    assert {port for address, _colon, port in addresses if address not in ("127.0.0.1", "[::1]")} == {"22"}


def test_the_first_engine_built_it(name):
    report = json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "report-first.json").read_text())
    (api,) = report["images"]
    assert [(entry["platform"], entry["node"]) for entry in api["platforms"]] == [("linux/amd64", "first")]
    assert [entry["passed"] for entry in api["smoke_test"]["platforms"]] == [True]


def test_it_runs_on_both_hosts(start_api):
    start_api(f"registry.test:5000/fleet/dify-api:{VERSION}")
