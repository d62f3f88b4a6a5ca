# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    recorded_declaration,
    wanted_declaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
ARM_V7 = Platform("linux", "arm", "v7")
I386 = Platform("linux", "386")
ADDED = "--allow-insecure-entitlement=network.host"
SOCKET = "unix:///var/run/docker.sock"

FLEET = Builder(
    "fleet",
    "remote",
    (
        Node("amd", "tcp://amd:1", (AMD64,), {"cacert": "/ca"}),
        Node("arm", "tcp://arm:1", (ARM64, ARM_V7)),
    ),
)
LOCAL = Builder(
    "local",
    "docker-container",
    (
        Node(
            "local0",
            SOCKET,
            (),
            {"network": "host", "image": "x"},
            ("--debug", ADDED),
            {"buildkitd.toml": b"debug = true"},
        ),
    ),
)


def wanted(current=None, name="b", driver=None, nodes=None, config=None):
    options = {"name": name, "driver": driver, "nodes": nodes, "buildkitd_config": config}
    return wanted_declaration(options, current, {})


@pytest.mark.parametrize("current", [FLEET, LOCAL], ids=["remote", "docker-container"])
def test_nothing_declared_is_what_is_recorded(current):
    assert wanted(current, current.name) == recorded_declaration(current)


@pytest.mark.parametrize(
    "entry, changes",
    [
        pytest.param({"name": "amd"}, {}, id="only-the-name"),
        pytest.param({"endpoint": "tcp://amd:1"}, {}, id="only-the-endpoint-finds-the-name"),
        pytest.param({"name": "amd", "platforms": ["x86_64"]}, {}, id="platform-by-another-word"),
        pytest.param({"name": "amd", "platforms": ["386"]}, {"platforms": (I386,)}, id="other-platform"),
        pytest.param({"name": "amd", "platforms": []}, {"platforms": ()}, id="no-fixed-platform"),
        pytest.param({"name": "amd", "endpoint": "tcp://new:1"}, {"endpoint": "tcp://new:1"}, id="other-endpoint"),
        pytest.param({"name": "amd", "driver_opts": {}}, {"driver_opts": {}}, id="options-taken-away"),
        pytest.param({"name": "amd", "tls": {"ca": "/ca", "key": None}}, {}, id="tls-as-recorded"),
        pytest.param(
            {"name": "amd", "tls": {"ca": "/ca", "cert": "/c", "key": "/k", "servername": "s"}},
            {"driver_opts": {"cacert": "/ca", "cert": "/c", "key": "/k", "servername": "s"}},
            id="tls-becomes-options",
        ),
        pytest.param(
            {"name": "amd", "driver_opts": {"default-load": True, "n": 3, "none": None}, "tls": {"ca": "/new"}},
            {"driver_opts": {"default-load": "true", "n": "3", "cacert": "/new"}},
            id="options-become-text",
        ),
    ],
)
def test_node_of_a_remote_builder(entry, changes):
    declared = wanted(FLEET, "fleet", nodes=[entry, {"name": "arm"}])
    amd, arm = recorded_declaration(FLEET).nodes
    assert declared.nodes == (replace(amd, **changes), arm)


def test_order_of_platforms_is_kept_as_recorded():
    declared = wanted(
        FLEET, "fleet", nodes=[{"name": "amd"}, {"name": "arm", "platforms": ["linux/arm/v7", "linux/arm64"]}]
    )
    assert declared == recorded_declaration(FLEET)


@pytest.mark.parametrize(
    "flags, expected",
    [
        pytest.param(["--debug"], ("--debug", ADDED), id="what-buildx-adds-is-no-difference"),
        pytest.param(["--debug", ADDED], ("--debug", ADDED), id="as-recorded"),
        pytest.param([], (), id="taken-away"),
        pytest.param(["--debug", "--x"], ("--debug", "--x"), id="one-more"),
    ],
)
def test_flags(flags, expected):
    assert wanted(LOCAL, "local", nodes=[{"buildkitd_flags": flags}]).nodes[0].flags == expected


def test_a_flag_that_buildx_added_twice_counts_once():
    twice = replace(LOCAL, nodes=(replace(LOCAL.nodes[0], flags=("--debug", ADDED, ADDED)),))
    assert recorded_declaration(twice).nodes[0].flags == ("--debug", ADDED)
    assert wanted(twice, "local", nodes=[{"buildkitd_flags": ["--debug"]}]) == recorded_declaration(twice)


@pytest.mark.parametrize(
    "current, nodes, names",
    [
        pytest.param(None, [{"endpoint": "c1"}, {"endpoint": "c2"}], ("b0", "b1"), id="as-buildx-calls-them"),
        pytest.param(None, [{}, {"name": "x", "endpoint": "c"}], ("b0", "x"), id="given-and-made-up"),
        pytest.param(replace(LOCAL, name="b"), [{}], ("local0",), id="the-only-one"),
        pytest.param(
            replace(LOCAL, name="b"), [{"endpoint": SOCKET}, {"endpoint": "c"}], ("local0", "b1"), id="at-endpoint"
        ),
    ],
)
def test_names_of_nodes(current, nodes, names):
    assert tuple(node.name for node in wanted(current, nodes=nodes, driver="docker-container").nodes) == names


@pytest.mark.parametrize(
    "current, nodes, driver_opts",
    [
        pytest.param(None, None, {"network": "host"}, id="new-builder-on-this-host"),
        pytest.param(
            None, [{"driver_opts": {"image": "x"}}], {"image": "x", "network": "host"}, id="beside-other-options"
        ),
        pytest.param(None, [{"driver_opts": {"network": "n"}}], {"network": "n"}, id="other-network-declared"),
        pytest.param(None, [{"endpoint": "ssh://h"}], {}, id="new-builder-on-another-host"),
        pytest.param(Builder("b", "docker-container", (Node("b0", SOCKET),)), None, {}, id="recorded-without-is-kept"),
        pytest.param(
            Builder("b", "docker-container", (Node("b0", SOCKET),)),
            [{"driver_opts": {}}],
            {"network": "host"},
            id="recorded-without-and-options-declared",
        ),
    ],
)
def test_network_of_a_single_container_node(current, nodes, driver_opts):
    assert wanted(current, nodes=nodes).nodes[0].driver_opts == driver_opts


def test_two_container_nodes_get_no_network():
    declared = wanted(nodes=[{"endpoint": "c1"}, {"endpoint": "c2"}])
    assert [node.driver_opts for node in declared.nodes] == [{}, {}]


def test_another_driver_inherits_nothing():
    declared = wanted(FLEET, "fleet", driver="docker-container")
    assert [(node.name, node.endpoint, node.platforms) for node in declared.nodes] == [("fleet0", None, ())]


def test_configuration_is_every_nodes_and_is_compared_only_when_declared():
    same = wanted(LOCAL, "local", config={"debug": True})
    assert same == recorded_declaration(LOCAL, compare_config=True)
    assert wanted(LOCAL, "local").nodes[0].config is None
    other = wanted(nodes=[{"endpoint": "c1"}, {"endpoint": "c2"}], config={"debug": False})
    assert [(node.config, node.files) for node in other.nodes] == [
        ({"debug": False}, {"buildkitd.toml": b"debug = false\n"})
    ] * 2


def test_results_hold_no_file_contents():
    assert "files" not in recorded_declaration(LOCAL, compare_config=True).to_dict()["nodes"][0]


@pytest.mark.parametrize(
    "options, message",
    [
        pytest.param({"name": "9b"}, "'9b' is no name for a builder", id="name-that-begins-with-a-digit"),
        pytest.param({"nodes": []}, "has no nodes", id="no-nodes"),
        pytest.param({"nodes": [{"name": "a b"}]}, "node a b: a name starts with a letter", id="name-of-a-node"),
        pytest.param({"driver": "remote"}, "node b0: the endpoint is missing", id="remote-without-endpoint"),
        pytest.param(
            {"driver": "remote", "nodes": [{"endpoint": "arm:1234"}]},
            "arm:1234 is no endpoint. Write tcp://HOST:PORT",
            id="remote-endpoint-without-scheme",
        ),
        pytest.param(
            {"driver": "remote", "nodes": [{"endpoint": "tcp://a:1", "buildkitd_flags": ["--debug"]}]},
            "takes no buildkitd_flags",
            id="flags-of-a-remote-daemon",
        ),
        pytest.param(
            {"driver": "remote", "nodes": [{"endpoint": "tcp://a:1"}], "config": {}},
            "takes no buildkitd_config",
            id="configuration-of-a-remote-daemon",
        ),
        pytest.param(
            {"driver": "remote", "nodes": [{"endpoint": "tcp://a:1"}, {"endpoint": "tcp://a:1"}]},
            "two nodes have the endpoint tcp://a:1",
            id="endpoint-twice",
        ),
        pytest.param(
            {"nodes": [{"name": "a"}, {"name": "a", "endpoint": "c"}]}, "two nodes have the name a", id="name-twice"
        ),
        pytest.param(
            {"nodes": [{"name": "a", "platforms": ["amd64"]}, {"name": "b", "platforms": ["arm64", "linux/amd64"]}]},
            "the nodes a and b both declare linux/amd64",
            id="platform-twice",
        ),
        pytest.param(
            {"driver": "kubernetes", "nodes": [{"endpoint": "tcp://a:1"}]}, "takes no endpoint", id="endpoint-of-pods"
        ),
        pytest.param({"nodes": [{"tls": {"ca": "/ca"}}]}, "takes no tls", id="tls-of-a-container"),
        pytest.param({"nodes": [{"platforms": ["toaster"]}]}, "'toaster' is not a platform", id="platform"),
    ],
)
def test_refused(options, message):
    with pytest.raises(CollectionError) as refused:
        wanted(**options)
    assert message in refused.value.msg
