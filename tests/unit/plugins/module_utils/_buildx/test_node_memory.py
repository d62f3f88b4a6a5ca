# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_memory import memory_of_nodes, parse_quantity
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli

GIB = 1024**3


@pytest.mark.parametrize(
    "text, amount",
    [
        pytest.param("4g", 4 * GIB, id="docker"),
        pytest.param("512m", GIB // 2, id="docker-small"),
        pytest.param("4Gi", 4 * GIB, id="kubernetes"),
        pytest.param("1073741824", GIB, id="bytes"),
        pytest.param("1.5G", 3 * GIB // 2, id="fraction"),
        pytest.param("much", None, id="nonsense"),
        pytest.param("", None, id="empty"),
    ],
)
def test_parse_quantity(text, amount):
    assert parse_quantity(text) == amount


@pytest.mark.parametrize(
    "driver, node, asked, memory",
    [
        pytest.param("docker", Node("n", "default"), "--context default", 8 * GIB, id="docker"),
        pytest.param("docker-container", Node("n", "ssh://host"), "--host ssh://host", 8 * GIB, id="over-ssh"),
        pytest.param(
            "docker-container",
            Node("n", "unix:///s", driver_opts={"memory": "4g"}),
            "--host unix:///s",
            4 * GIB,
            id="its-own-limit",
        ),
        pytest.param(
            "docker-container",
            Node("n", "unix:///s", driver_opts={"memory": "64g"}),
            "--host unix:///s",
            8 * GIB,
            id="a-limit-above-the-machine",
        ),
        pytest.param("docker-container", Node("n", "ssh://gone"), "--host ssh://gone", None, id="does-not-answer"),
        pytest.param("remote", Node("n", "tcp://10.0.0.1:1"), None, None, id="remote"),
        pytest.param("kubernetes", Node("n", driver_opts={"limits.memory": "6Gi"}), None, 6 * GIB, id="kubernetes"),
        pytest.param("kubernetes", Node("n"), None, None, id="kubernetes-without-a-limit"),
    ],
)
def test_memory_of_nodes(driver, node, asked, memory):
    commands = []

    def run(args, **_options):
        commands.append(" ".join(args))
        return (1, "", "refused") if "gone" in commands[-1] else (0, f"{8 * GIB}\n", "")

    assert memory_of_nodes(Builder("b", driver, (node,)), Cli(run, "docker")) == {"n": memory}
    assert commands == ([f"docker {asked} info --format {{{{.MemTotal}}}}"] if asked else [])


def test_memory_of_a_daemon_beside_us():
    found = memory_of_nodes(Builder("b", "remote", (Node("n", "tcp://127.0.0.1:1"),)), Cli(None, "docker"))
    assert found["n"] > GIB
