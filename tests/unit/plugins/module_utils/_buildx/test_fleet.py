# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.fleet import (
    FleetHost,
    client_addresses,
    fleet_nodes,
    native_hosts,
    node_name,
    read_host,
    read_hosts,
    share_platforms,
    unusable_clients,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

BOTH = ["linux/amd64", "linux/arm64"]
AMD = FleetHost("amd", "192.0.2.1", "x86_64")
AMD_TOO = FleetHost("amd-too", "192.0.2.2", "x86_64")
ARM = FleetHost("arm", "192.0.2.3", "aarch64")
POWER = FleetHost("power", "192.0.2.4", "ppc64le")
AWAY = FleetHost("away", "192.0.2.5")


def drained(host):
    return FleetHost(host.name, host.address, host.machine, drained=True)


@pytest.mark.parametrize(
    "hosts, platforms, shared",
    [
        pytest.param([AMD, ARM], BOTH, {"amd": BOTH[:1], "arm": BOTH[1:]}, id="each-where-it-is-native"),
        pytest.param([AMD], BOTH, {"amd": BOTH}, id="what-no-host-is-is-emulated"),
        pytest.param([ARM], BOTH, {"arm": ["linux/arm64", "linux/amd64"]}, id="by-others-where-none-is-amd64"),
        pytest.param([AMD, AMD_TOO, POWER], BOTH, {"amd": BOTH, "amd-too": BOTH, "power": []}, id="by-those-of-amd64"),
        pytest.param([AMD, drained(ARM)], BOTH, {"amd": BOTH, "arm": []}, id="drained"),
        pytest.param([AMD, AWAY], BOTH, {"amd": BOTH, "away": None}, id="out-of-reach"),
        pytest.param([AWAY], BOTH, {"away": None}, id="none-in-reach"),
        pytest.param([AMD], ["linux/386", "amd64"], {"amd": ["linux/386", "linux/amd64"]}, id="its-older-self"),
        pytest.param([AMD, ARM], ["linux/arm/v7"], {"amd": ["linux/arm/v7"], "arm": []}, id="not-every-arm64-runs-arm"),
        pytest.param([AMD, ARM], ["linux/arm64/v8"], {"amd": [], "arm": BOTH[1:]}, id="the-usual-variant"),
    ],
)
def test_share_platforms(hosts, platforms, shared):
    assert share_platforms(hosts, platforms) == {
        name: None if own is None else tuple(own) for name, own in shared.items()
    }


def test_remote_nodes_speak_tls():
    folder = "/etc/imagefleet/fleet"
    tls = {"ca": f"{folder}/ca.crt", "cert": f"{folder}/client.crt", "key": f"{folder}/client.key"}
    assert fleet_nodes([AMD, AWAY, ARM], BOTH, tls_folder=folder) == [
        {"name": "amd", "platforms": BOTH[:1], "endpoint": "tcp://192.0.2.1:1234", "tls": tls},
        {"name": "arm", "platforms": BOTH[1:], "endpoint": "tcp://192.0.2.3:1234", "tls": tls},
    ]


def test_engines_are_reached_by_ssh():
    there = FleetHost("10.0.0.7", "2001:db8::7", "x86_64", user="build", ssh_port=2222)
    image = {"image": "registry.example.com/buildkit"}
    assert fleet_nodes([there], BOTH[:1], driver="docker-container", driver_opts=image) == [
        {
            "name": "node-10.0.0.7",
            "platforms": BOTH[:1],
            "endpoint": "ssh://build@[2001:db8::7]:2222",
            "driver_opts": image,
        }
    ]


def test_a_host_without_a_platform_is_no_node():
    assert [node["name"] for node in fleet_nodes([AMD, POWER], BOTH)] == ["amd"]


def test_a_platform_is_declared_once():
    # buildx would take it away from the first one.
    nodes = fleet_nodes([AMD, AMD_TOO, ARM, replace(ARM, name="arm-too")], BOTH)
    declared = {node["name"]: node["platforms"] for node in nodes}
    assert declared == {"amd": BOTH[:1], "amd-too": [], "arm": BOTH[1:], "arm-too": []}


def test_two_hosts_are_never_one_node():
    with pytest.raises(CollectionError, match="The hosts a:1 and a-1 would both be the node a-1"):
        fleet_nodes([FleetHost("a:1", "a", "x86_64"), FleetHost("a-1", "b", "x86_64")], BOTH)


@pytest.mark.parametrize(
    "hosts, driving, chosen",
    [
        pytest.param([AMD, ARM], "amd", [("amd", BOTH[:1]), ("arm", BOTH[1:])], id="each-where-it-is-native"),
        pytest.param([AMD, AMD_TOO], "amd-too", [("amd-too", BOTH)], id="the-one-that-drives-first"),
        pytest.param([AMD, AWAY], "amd", [("amd", BOTH)], id="emulated-where-no-host-is"),
        pytest.param([drained(AMD), ARM], "amd", [("amd", BOTH[:1]), ("arm", BOTH[1:])], id="drained-and-driving"),
        pytest.param([AMD, ARM], "controller", [("amd", BOTH[:1]), ("arm", BOTH[1:])], id="the-controller-drives"),
        pytest.param([], "amd", [("amd", BOTH)], id="no-fleet"),
    ],
)
def test_native_hosts(hosts, driving, chosen):
    assert native_hosts(hosts, BOTH, driving) == [{"host": host, "platforms": own} for host, own in chosen]


@pytest.mark.parametrize(
    "variables, host",
    [
        pytest.param({}, FleetHost("n", "n"), id="by-its-name"),
        pytest.param({"ansible_host": "192.0.2.9"}, FleetHost("n", "192.0.2.9"), id="by-its-address"),
        pytest.param(
            {"ansible_host": "192.0.2.9", "ansible_connection": "ansible.builtin.ssh"},
            FleetHost("n", "192.0.2.9"),
            id="by-its-address-over-ssh-in-full",
        ),
        pytest.param(
            {"ansible_host": "some-container", "ansible_connection": "community.docker.docker"},
            FleetHost("n", "n"),
            id="a-container-is-no-address",
        ),
        pytest.param(
            {"ansible_host": "192.0.2.9", "build_host_node_address": "10.0.0.9", "build_host_node_port": "1235"},
            FleetHost("n", "10.0.0.9", port=1235),
            id="another-address-for-builds",
        ),
        pytest.param(
            {"ansible_user": "ops", "ansible_port": 2222, "ansible_facts": {"architecture": "aarch64"}},
            FleetHost("n", "n", "aarch64", "ops", 2222),
            id="by-ssh",
        ),
        pytest.param({"build_host_drained": True}, FleetHost("n", "n", drained=True), id="drained"),
        pytest.param({"build_host_drained": "yes"}, FleetHost("n", "n", drained=True), id="drained-by-text"),
        pytest.param({"build_host_drained": "no"}, FleetHost("n", "n"), id="not-drained-by-text"),
    ],
)
def test_read_host(variables, host):
    assert read_host("n", variables) == host


def test_a_port_is_a_port():
    with pytest.raises(CollectionError, match="build_host_node_port of n is 'high', which is no port"):
        read_host("n", {"build_host_node_port": "high"})


def test_a_host_is_in_the_inventory():
    with pytest.raises(CollectionError, match="build_host_fleet names typo, and the inventory has no such host"):
        read_hosts(["typo"], {"n": {}})


@pytest.mark.parametrize(
    "host, node",
    [
        ("builder-1.example.com", "builder-1.example.com"),
        ("10.0.0.1", "node-10.0.0.1"),
        ("a:22", "a-22"),
        ("_x", "node-_x"),
    ],
)
def test_node_name(host, node):
    assert node_name(host) == node


def test_client_addresses():
    facts = {
        "default_ipv4": {"address": "192.0.2.1"},
        "default_ipv6": {},
        "interfaces": ["lo", "eth0", "docker0", "wg-build"],
        "lo": {"type": "loopback", "ipv4": {"address": "127.0.0.1"}},
        "eth0": {
            "type": "ether",
            "ipv4": {"address": "192.0.2.1"},
            "ipv4_secondaries": [{"address": "192.0.2.2"}],
            "ipv6": [{"address": "2001:db8::1", "scope": "global"}, {"address": "fe80::1", "scope": "link"}],
        },
        "docker0": {"type": "bridge", "ipv4": {"address": "172.17.0.1"}},
        "wg_build": {"type": "unknown", "ipv4": {"address": "10.9.0.1"}},
    }
    assert client_addresses(facts) == ["10.9.0.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"]


def test_a_host_whose_network_is_unknown_has_none():
    assert client_addresses({}) == []


@pytest.mark.parametrize(
    "client, usable",
    [
        pytest.param("192.0.2.1", True, id="address"),
        pytest.param("192.0.2.0/24", True, id="network"),
        pytest.param("192.0.2.1/24", True, id="network-by-an-address-of-it"),
        pytest.param("2001:db8::/64", True, id="network-of-version-6"),
        pytest.param("driver.example.com", False, id="name"),
        pytest.param("any", False, id="any-among-others"),
        pytest.param("192.0.2.0/33", False, id="longer-than-an-address"),
        pytest.param("192.0.2.0/255.255.255.0", False, id="mask-in-full"),
        pytest.param("192.0.2.1-192.0.2.9", False, id="range"),
        pytest.param("fe80::1%eth0", False, id="zone"),
        pytest.param("", False, id="empty"),
        pytest.param(3232235777, False, id="number"),
    ],
)
def test_unusable_clients(client, usable):
    assert unusable_clients(["192.0.2.7", client]) == ([] if usable else [str(client)])
