# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import (
    bootstrap_args,
    create_args,
    leave_args,
    remove_args,
    remove_container_args,
    stop_args,
    use_args,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    BuilderDeclaration,
    NodeDeclaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

NEW = (0, 29, 1)
HEAD = ("buildx", "create", "--name", "b", "--node", "n", "--driver")


@pytest.mark.parametrize(
    "driver, node, rest",
    [
        pytest.param("docker-container", {}, (), id="nothing-but-the-name"),
        pytest.param("remote", {"endpoint": "tcp://h:1"}, ("tcp://h:1",), id="endpoint-comes-last"),
        pytest.param(
            "remote",
            {"endpoint": "tcp://h:1", "platforms": (Platform("linux", "amd64"), Platform("linux", "arm", "v7"))},
            ("--platform", "linux/amd64,linux/arm/v7", "tcp://h:1"),
            id="platforms-in-one-argument",
        ),
        pytest.param(
            "remote",
            {"endpoint": "tcp://h:1", "driver_opts": {"key": "/k", "cacert": "/c", "cert": "/p", "servername": "s"}},
            (
                *("--driver-opt", "cacert=/c", "--driver-opt", "cert=/p", "--driver-opt", "key=/k"),
                *("--driver-opt", "servername=s", "tcp://h:1"),
            ),
            id="tls-files-sorted",
        ),
        pytest.param(
            "docker-container",
            {"driver_opts": {"env.LIST": 'a,"b"', "network": "host"}},
            ("--driver-opt", '"env.LIST=a,""b"""', "--driver-opt", "network=host"),
            id="options-with-comma-and-quotes",
        ),
        pytest.param(
            "docker-container",
            {"flags": ("--debug", "--oci-worker-labels=a b")},
            ("--buildkitd-flags", "--debug '--oci-worker-labels=a b'"),
            id="flags-quoted-as-for-a-shell",
        ),
        pytest.param(
            "docker-container",
            {"files": {"buildkitd.toml": b""}},
            ("--buildkitd-config", "/f/n/buildkitd.toml"),
            id="configuration-in-the-folder-of-the-node",
        ),
        pytest.param(
            "kubernetes",
            {"driver_opts": {"namespace": "ci", "replicas": "2"}, "platforms": (Platform("linux", "arm64"),)},
            ("--platform", "linux/arm64", "--driver-opt", "namespace=ci", "--driver-opt", "replicas=2"),
            id="pods",
        ),
        pytest.param("kubernetes", {"endpoint": "kubernetes:///b?deployment=n"}, (), id="endpoint-that-buildx-made-up"),
    ],
)
def test_create(driver, node, rest):
    declared = NodeDeclaration("n", **node)
    assert create_args(BuilderDeclaration("b", driver, (declared,)), declared, NEW, "/f") == (*HEAD, driver, *rest)


def test_append():
    node = NodeDeclaration("n", endpoint="tcp://h:1")
    command = create_args(BuilderDeclaration("b", "remote", (node,)), node, NEW, "/f", append=True)
    assert command == (*HEAD, "remote", "--append", "tcp://h:1")


@pytest.mark.parametrize(
    "version, option",
    [
        pytest.param((0, 12, 1), "--config", id="before-0.13"),
        pytest.param((0, 13, 0), "--buildkitd-config", id="from-0.13"),
        pytest.param((1, 0, 0), "--buildkitd-config", id="any-later"),
    ],
)
def test_configuration_option_of_the_version(version, option):
    node = NodeDeclaration("n", files={"buildkitd.toml": b""})
    command = create_args(BuilderDeclaration("b", "docker-container", (node,)), node, version, "/f")
    assert command[-2:] == (option, "/f/n/buildkitd.toml")


@pytest.mark.parametrize(
    "command, expected",
    [
        pytest.param(leave_args("b", "n"), "buildx create --name b --node n --leave", id="leave"),
        pytest.param(remove_args("b", keep_state=False), "buildx rm b", id="remove"),
        pytest.param(remove_args("b", keep_state=True), "buildx rm --keep-state b", id="remove-keeping-the-cache"),
        pytest.param(bootstrap_args("b"), "buildx inspect --bootstrap b", id="bootstrap"),
        pytest.param(stop_args("b"), "buildx stop b", id="stop"),
        pytest.param(use_args("b"), "buildx use b", id="use"),
        pytest.param(
            remove_container_args(NodeDeclaration("n")),
            "--context default rm --force buildx_buildkit_n",
            id="container-at-no-endpoint",
        ),
        pytest.param(
            remove_container_args(NodeDeclaration("n", "ssh://h")),
            "--host ssh://h rm --force buildx_buildkit_n",
            id="container-at-an-address",
        ),
        pytest.param(
            remove_container_args(NodeDeclaration("n", "far")),
            "--context far rm --force buildx_buildkit_n",
            id="container-at-a-context",
        ),
    ],
)
def test_other_commands(command, expected):
    assert " ".join(command) == expected
