# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    Builder,
    Node,
    docker_builder,
    parse_instance,
    read_platform,
    with_status,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

FIXTURES = Path(__file__).parent / "fixtures"
AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


def recorded(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def test_parse_instance_reads_every_option():
    builder = parse_instance(recorded("instance_docker_container_0.29.1.json"), "local")
    node = builder.nodes[0]
    assert (builder.name, builder.driver, len(builder.nodes)) == ("local", "docker-container", 1)
    assert (node.name, node.endpoint) == ("local0", "unix:///var/run/docker.sock")
    assert node.platforms == (AMD64, Platform("linux", "arm", "v7"))
    assert node.driver_opts == {"env.LIST": "a,b", "network": "host"}
    assert node.flags == ("--debug", "--allow-insecure-entitlement=network.host")
    assert sorted(node.files) == [
        "buildkitd.toml",
        "certs/reg.local_5000/c.pem",
        "certs/reg.local_5000/ca.crt",
        "certs/reg.local_5000/k.pem",
    ]
    assert node.files["certs/reg.local_5000/k.pem"] == b"key\n"
    assert (node.status, node.detected, node.buildkit_version) == (None, (), None)


def test_parse_instance_keeps_the_order_of_nodes_and_takes_null_for_nothing():
    builder = parse_instance(recorded("instance_remote_0.29.1.json"), "r")
    assert [(node.name, node.platforms) for node in builder.nodes] == [("a", (AMD64,)), ("b", (ARM64,))]
    assert all(node.driver_opts == {} and node.flags == () and node.files == {} for node in builder.nodes)


def test_an_empty_configuration_file_is_recorded_as_null():
    text = '{"Name": "x", "Driver": "remote", "Nodes": [{"Name": "a", "Files": {"buildkitd.toml": null}}]}'
    assert parse_instance(text, "x").nodes[0].files == {"buildkitd.toml": b""}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty-file"),
        pytest.param("[]", id="no-object"),
        pytest.param('{"Name": "x"}', id="no-driver"),
        pytest.param('{"Name": "x", "Driver": "remote", "Nodes": [1]}', id="node-that-is-none"),
        pytest.param(
            '{"Name": "x", "Driver": "remote", "Nodes": [{"Name": "a", "Files": {"f": "*"}}]}', id="file-not-encoded"
        ),
    ],
)
def test_parse_instance_refuses(text):
    with pytest.raises(CollectionError, match="/folder/instances/x is not a builder that buildx recorded"):
        parse_instance(text, "/folder/instances/x")


@pytest.mark.parametrize("version", ["0.13.1", "0.29.1"])
def test_status_of_running_nodes(version):
    builder = parse_instance(recorded("instance_remote_0.29.1.json"), "r")
    asked = with_status(builder, recorded(f"inspect_remote_{version}.txt"))
    assert asked.is_running
    assert [(node.status, node.buildkit_version) for node in asked.nodes] == [("running", "v0.0.0+unknown")] * 2
    assert asked.nodes[0].platforms == (AMD64,)
    assert ARM64 in asked.nodes[0].detected
    assert AMD64 not in asked.nodes[0].detected, "a fixed platform is marked and no detected one"
    assert {AMD64, ARM64} <= set(asked.platforms())


@pytest.mark.parametrize(
    "options, error",
    [
        pytest.param({}, "nothing answers at tcp://127.0.0.1:1235", id="plain"),
        pytest.param(
            {"cacert": "/ca.pem"}, "nothing answers at tcp://127.0.0.1:1235 with the TLS files of the node", id="tls"
        ),
    ],
)
def test_a_remote_node_that_does_not_answer_has_an_error(options, error):
    nodes = (Node("amd", "tcp://127.0.0.1:1234"), Node("arm", "tcp://127.0.0.1:1235", driver_opts=options))
    asked = with_status(Builder("x", "remote", nodes), recorded("inspect_remote_silent_0.29.1.txt"))
    assert [(node.status, node.error) for node in asked.nodes] == [("running", None), ("inactive", error)]


def test_status_of_a_node_that_was_never_started():
    builder = parse_instance(recorded("instance_docker_container_0.29.1.json"), "local")
    asked = with_status(builder, recorded("inspect_inactive_0.29.1.txt"))
    assert (asked.nodes[0].status, asked.nodes[0].detected, asked.is_running) == ("inactive", (), False)


def test_an_engine_that_does_not_answer_is_the_error_of_its_node():
    asked = with_status(docker_builder("default"), recorded("inspect_engine_down_0.29.1.txt"))
    assert asked.nodes[0].status is None
    assert (
        asked.nodes[0].error
        == "Cannot connect to the Docker daemon at tcp://127.0.0.1:7. Is the docker daemon running?"
    )
    assert not asked.is_running


SSH = "ssh: command [ssh -- host docker system dial-stdio] has exited with exit status 255, stderr="


@pytest.mark.parametrize(
    "printed, error",
    [
        pytest.param(
            f"{SSH}@@@@@\r\n@ WARNING: HAS CHANGED! @\r\n@@@@@\r\nPlease contact: somebody\r\nHost key verification failed.\r\n",
            f"{SSH} Host key verification failed.",
            id="another-host",
        ),
        pytest.param(
            f"{SSH}build@host: Permission denied (publickey).",
            f"{SSH}build@host: Permission denied (publickey).",
            id="no-key",
        ),
    ],
)
def test_what_ssh_prints_is_an_error_of_its_node_alone(printed, error):
    nodes = (Node("first", "ssh://host"), Node("second", "ssh://other"))
    inspected = f"Name: b\n\nNodes:\nName: first\nError: {printed}\n\nName: second\nStatus: running\n"
    asked = with_status(Builder("b", "docker-container", nodes), inspected)
    assert [(node.status, node.error) for node in asked.nodes] == [(None, error), ("running", None)]


def test_before_0_13_the_version_had_another_key():
    inspected = "Name: default\nDriver: docker\n\nNodes:\nName: default\nStatus: running\nBuildkit: v0.11.6\n"
    assert with_status(docker_builder("default"), inspected).nodes[0].buildkit_version == "v0.11.6"


@pytest.mark.parametrize(
    "text, platform",
    [
        pytest.param("linux/arm64/v8", ARM64, id="default-variant"),
        pytest.param("linux/amd64/v2", Platform("linux", "amd64", "v2"), id="variant"),
        pytest.param("freebsd/amd64", Platform("freebsd", "amd64"), id="system-that-we-do-not-know"),
        pytest.param("wasi/wasm", Platform("wasi", "wasm"), id="no-machine-at-all"),
    ],
)
def test_read_platform(text, platform):
    assert read_platform(text) == platform


@pytest.mark.parametrize(
    "driver, endpoint, local",
    [
        pytest.param("docker", "default", True, id="default-context"),
        pytest.param("docker-container", None, True, id="no-endpoint"),
        pytest.param("docker-container", "unix:///var/run/docker.sock", True, id="socket"),
        pytest.param("docker-container", "ssh://root@arm-host", False, id="ssh"),
        pytest.param("docker-container", "arm-context", False, id="other-context"),
        pytest.param("remote", "tcp://127.0.0.1:1234", True, id="loopback-address"),
        pytest.param("remote", "tcp://[::1]:1234", True, id="loopback-address-of-ipv6"),
        pytest.param("remote", "tcp://localhost:1234", True, id="localhost"),
        pytest.param("remote", "tcp://localhost.example.com:1234", False, id="host-that-begins-with-localhost"),
        pytest.param("kubernetes", None, False, id="pods"),
    ],
)
def test_is_local(driver, endpoint, local):
    assert Builder("x", driver, (Node("a", endpoint),)).is_local is local


def test_platforms_are_those_of_all_nodes_once():
    nodes = (Node("a", platforms=(AMD64,), detected=(ARM64,)), Node("b", platforms=(ARM64, AMD64)))
    assert Builder("x", "remote", nodes).platforms() == (AMD64, ARM64)
