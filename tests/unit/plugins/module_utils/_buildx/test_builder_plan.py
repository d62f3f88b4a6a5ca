# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node, docker_builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import (
    BuilderPlan,
    Circumstances,
    plan_absent,
    plan_docker,
    plan_present,
    require_platforms,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    BuilderDeclaration,
    NodeDeclaration,
    recorded_declaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
ON = Circumstances(version=(0, 29, 1), folder="/f")

A = NodeDeclaration("a", "tcp://a:1", (AMD64,))
B = NodeDeclaration("b", "tcp://b:1", (ARM64,))
NODE_A = Node("a", "tcp://a:1", (AMD64,))
NODE_B = Node("b", "tcp://b:1", (ARM64,))
SOCKET = "unix:///var/run/docker.sock"

CREATE = "buildx create --name x --node {0} --driver {1}"
CREATE_A = CREATE.format("a", "remote") + " --platform linux/amd64 tcp://a:1"
APPEND_A = CREATE.format("a", "remote") + " --append --platform linux/amd64 tcp://a:1"
APPEND_B = CREATE.format("b", "remote") + " --append --platform linux/arm64 tcp://b:1"
LEAVE_A = "buildx create --name x --node a --leave"
LEAVE_B = "buildx create --name x --node b --leave"
REMOVE = "buildx rm --keep-state x"
BOOTSTRAP = "buildx inspect --bootstrap x"
USE = "buildx use x"
STOP = "buildx stop x"


def remote(*nodes):
    return BuilderDeclaration("x", "remote", nodes)


def recorded(*nodes, driver="remote", status=None):
    return Builder("x", driver, tuple(replace(node, status=status) for node in nodes))


def commands(plan):
    return [" ".join(command) for command in plan.commands]


@pytest.mark.parametrize(
    "wanted, current, expected, reasons",
    [
        pytest.param(
            remote(A, B), None, [CREATE_A, APPEND_B], ["builder x is missing"], id="missing-is-created-node-by-node"
        ),
        pytest.param(remote(A, B), recorded(NODE_A, NODE_B), [], [], id="equal-is-kept"),
        pytest.param(remote(A, B), recorded(NODE_B, NODE_A), [], [], id="order-of-nodes-does-not-matter"),
        pytest.param(remote(A, B), recorded(NODE_A), [APPEND_B], ["node b is missing"], id="missing-node-joins"),
        pytest.param(
            remote(A), recorded(NODE_A, NODE_B), [LEAVE_B], ["node b is not declared"], id="other-node-leaves"
        ),
        pytest.param(
            remote(A, B),
            recorded(replace(NODE_A, endpoint="tcp://old:1"), NODE_B),
            [LEAVE_A, APPEND_A],
            ["node a: endpoint: tcp://old:1 -> tcp://a:1"],
            id="changed-node-leaves-and-joins",
        ),
        pytest.param(
            remote(A, B),
            recorded(replace(NODE_A, platforms=(ARM64, AMD64), driver_opts={"key": "/k"}), NODE_B),
            [LEAVE_A, APPEND_A],
            ["node a: platforms: linux/arm64, linux/amd64 -> linux/amd64", "node a: driver_opts.key: /k -> none"],
            id="each-option-is-a-reason",
        ),
        pytest.param(
            remote(A),
            recorded(replace(NODE_A, platforms=())),
            [REMOVE, CREATE_A],
            ["node a: platforms: none -> linux/amd64"],
            id="the-last-node-cannot-leave",
        ),
        pytest.param(
            remote(A),
            recorded(NODE_B),
            [REMOVE, CREATE_A],
            ["node a is missing", "node b is not declared"],
            id="no-node-stays",
        ),
        pytest.param(
            remote(A),
            recorded(Node("x0", SOCKET), driver="docker-container"),
            [REMOVE, CREATE_A],
            ["driver: docker-container -> remote"],
            id="other-driver-is-recreated-with-the-cache-kept",
        ),
    ],
)
def test_present(wanted, current, expected, reasons):
    plan = plan_present(wanted, current, ON)
    assert commands(plan) == expected
    assert list(plan.reasons) == reasons
    assert plan.changed is bool(expected)
    assert plan.after == {**wanted.to_dict(), "in_use": False}
    if not expected:
        assert plan.before == plan.after


CONTAINER_A = NodeDeclaration("a", SOCKET, driver_opts={"network": "host"})
CONTAINER_B = NodeDeclaration("b", "far")
RUNS_A = Node("a", SOCKET, driver_opts={"network": "host"})
RUNS_B = Node("b", "far")
CREATE_CONTAINER_A = CREATE.format("a", "docker-container") + f" --driver-opt network=host {SOCKET}"
APPEND_CONTAINER_B = CREATE.format("b", "docker-container") + " --append far"


@pytest.mark.parametrize(
    "nodes, current, expected",
    [
        pytest.param((CONTAINER_A, CONTAINER_B), (RUNS_A,), [APPEND_CONTAINER_B], id="missing-node-joins"),
        pytest.param(
            (CONTAINER_A,),
            (RUNS_A, RUNS_B),
            [LEAVE_B, "--context far rm --force buildx_buildkit_b"],
            id="other-node-leaves-with-its-container",
        ),
        pytest.param(
            (CONTAINER_A, CONTAINER_B),
            (replace(RUNS_A, driver_opts={}), RUNS_B),
            [REMOVE, CREATE_CONTAINER_A, APPEND_CONTAINER_B],
            id="changed-container-takes-a-new-builder",
        ),
    ],
)
def test_present_with_containers(nodes, current, expected):
    declared = BuilderDeclaration("x", "docker-container", nodes)
    assert commands(plan_present(declared, recorded(*current, driver="docker-container"), ON)) == expected


@pytest.mark.parametrize(
    "nodes, current, expected",
    [
        pytest.param(
            (NodeDeclaration("a", driver_opts={"namespace": "ci"}), NodeDeclaration("b")),
            None,
            [
                CREATE.format("a", "kubernetes") + " --driver-opt namespace=ci",
                CREATE.format("b", "kubernetes") + " --append",
            ],
            id="created",
        ),
        pytest.param(
            (NodeDeclaration("a"), NodeDeclaration("b")),
            (Node("a"),),
            [CREATE.format("b", "kubernetes") + " --append"],
            id="missing-node-joins",
        ),
        pytest.param(
            (NodeDeclaration("a"),),
            (Node("a"), Node("b")),
            [REMOVE, CREATE.format("a", "kubernetes")],
            id="deployment-of-other-node-goes-with-the-builder",
        ),
    ],
)
def test_present_with_pods(nodes, current, expected):
    declared = BuilderDeclaration("x", "kubernetes", nodes)
    found = recorded(*current, driver="kubernetes") if current else None
    assert commands(plan_present(declared, found, ON)) == expected


@pytest.mark.parametrize(
    "current, changes, expected",
    [
        pytest.param(None, {"use": True}, [CREATE_A, USE], id="created-and-used"),
        pytest.param(recorded(NODE_A), {"use": True}, [USE], id="use"),
        pytest.param(recorded(NODE_A), {"use": True, "in_use": True}, [], id="used-already"),
        pytest.param(recorded(NODE_A), {"in_use": True}, [], id="use-not-asked-for-is-left-alone"),
        pytest.param(
            recorded(replace(NODE_A, platforms=())),
            {"in_use": True},
            [REMOVE, CREATE_A],
            id="new-builder-stays-in-use",
        ),
        pytest.param(None, {"bootstrap": True}, [CREATE_A, BOOTSTRAP], id="created-and-started"),
        pytest.param(recorded(NODE_A, status="running"), {"bootstrap": True}, [], id="runs-already"),
        pytest.param(recorded(NODE_A, status="stopped"), {"bootstrap": True}, [BOOTSTRAP], id="start"),
        pytest.param(recorded(NODE_A, status="running"), {"stopped": True}, [STOP], id="stop"),
        pytest.param(recorded(NODE_A, status="stopped"), {"stopped": True}, [], id="stopped-already"),
        pytest.param(None, {"stopped": True}, [CREATE_A], id="created-and-not-started"),
        pytest.param(
            recorded(replace(NODE_A, platforms=()), status="running"),
            {"bootstrap": True},
            [REMOVE, CREATE_A, BOOTSTRAP],
            id="new-builder-is-started",
        ),
    ],
)
def test_lifecycle(current, changes, expected):
    plan = plan_present(remote(A), current, replace(ON, **changes))
    assert commands(plan) == expected
    assert plan.after["in_use"] is bool(changes.get("use") or changes.get("in_use"))
    assert plan.after.get("running") == (
        changes.get("bootstrap") if {"bootstrap", "stopped"} & set(changes) else None
    ) or (changes.get("stopped") and plan.after["running"] is False)


def test_a_new_node_of_a_running_builder_is_started():
    plan = plan_present(remote(A, B), recorded(NODE_A, status="running"), replace(ON, bootstrap=True))
    assert commands(plan) == [APPEND_B, BOOTSTRAP]
    assert (plan.before["running"], plan.after["running"]) == (True, True)


def test_recreate_never_fails_with_the_reasons():
    with pytest.raises(CollectionError) as refused:
        plan_present(remote(A), recorded(NODE_B), replace(ON, may_recreate=False))
    assert "node a is missing; node b is not declared" in refused.value.msg
    assert "recreate=auto" in refused.value.msg


def test_recreate_never_lets_nodes_join_and_leave():
    plan = plan_present(remote(A, B), recorded(NODE_A), replace(ON, may_recreate=False))
    assert commands(plan) == [APPEND_B]


def test_the_name_of_a_context_cannot_have_another_driver():
    with pytest.raises(CollectionError, match="The name default belongs to a Docker context"):
        plan_present(BuilderDeclaration("default", "remote", (A,)), docker_builder("default"), ON)


def test_changed_configuration_is_a_reason_by_its_key():
    config = {"registry": {"docker.io": {"mirrors": ["m"]}}, "empty": {"table": {}}}
    declared = replace(CONTAINER_A, config=config, files={"buildkitd.toml": b"debug = true\n"})
    old = b'[registry."docker.io"]\nmirrors = ["old"]\n'
    current = recorded(replace(RUNS_A, files={"buildkitd.toml": old}), driver="docker-container")
    plan = plan_present(
        BuilderDeclaration("x", "docker-container", (declared,)), current, replace(ON, compare_config=True)
    )
    assert plan.reasons == (
        "node a: buildkitd_config.registry.docker.io.mirrors: old -> m",
        "node a: buildkitd_config.empty.table: none -> empty",
    )
    assert plan.files == {"/f/a/buildkitd.toml": b"debug = true\n"}
    assert "--buildkitd-config /f/a/buildkitd.toml" in commands(plan)[1]


def test_configuration_that_was_not_declared_survives_a_new_builder():
    current = recorded(replace(RUNS_A, files={"buildkitd.toml": b"debug = true\n"}), driver="docker-container")
    declared = replace(recorded_declaration(current).nodes[0], driver_opts={"network": "host", "image": "new"})
    plan = plan_present(BuilderDeclaration("x", "docker-container", (declared,)), current, ON)
    assert plan.files == {"/f/a/buildkitd.toml": b"debug = true\n"}
    assert "--buildkitd-config /f/a/buildkitd.toml" in commands(plan)[1]
    assert plan.reasons == ("node a: driver_opts.image: none -> new",)


def test_results_hold_no_files():
    plan = BuilderPlan(None, {}, (("buildx",),), (), {"/f/key": b"secret"})
    assert "secret" not in f"{plan.result()}{plan}"


@pytest.mark.parametrize(
    "current, keep_state, expected",
    [
        pytest.param(None, False, [], id="nothing-there"),
        pytest.param(recorded(NODE_A), False, ["buildx rm x"], id="removed"),
        pytest.param(recorded(NODE_A), True, [REMOVE], id="removed-with-the-cache-kept"),
    ],
)
def test_absent(current, keep_state, expected):
    plan = plan_absent(current, keep_state)
    assert (commands(plan), plan.after) == (expected, None)


def test_the_builder_of_a_context_cannot_be_removed():
    with pytest.raises(CollectionError, match="belongs to the Docker context of that name and cannot be removed"):
        plan_absent(docker_builder("default"), keep_state=False)


@pytest.mark.parametrize(
    "changes, expected",
    [
        pytest.param({}, [], id="accepted"),
        pytest.param({"use": True}, ["buildx use default"], id="use"),
        pytest.param({"use": True, "in_use": True}, [], id="used-already"),
    ],
)
def test_docker(changes, expected):
    assert commands(plan_docker("default", docker_builder("default"), replace(ON, **changes))) == expected


@pytest.mark.parametrize(
    "current, message",
    [
        pytest.param(None, "There is no builder with the name x", id="no-context"),
        pytest.param(recorded(NODE_A), "There is driver remote with the name x", id="other-driver"),
    ],
)
def test_docker_refuses(current, message):
    with pytest.raises(CollectionError, match=message):
        plan_docker("x", current, ON)


def test_platforms_of_running_nodes_are_enough():
    require_platforms(recorded(replace(NODE_A, detected=(ARM64,)), status="running"), (AMD64, ARM64))


@pytest.mark.parametrize(
    "builder, error, message",
    [
        pytest.param(
            Builder("default", "docker", (Node("default", "default", detected=(AMD64,), status="running"),)),
            MissingPrerequisite,
            "Builder default cannot build for linux/arm64: no node is native to it or has an emulator",
            id="engine-without-emulator",
        ),
        pytest.param(
            recorded(NODE_A, status="running"), CollectionError, "Register the emulator", id="remote-without-emulator"
        ),
        pytest.param(
            Builder("x", "remote", (replace(NODE_A, error="refused"),)),
            CollectionError,
            r"Node a of builder x \(tcp://a:1\) cannot be reached: refused\. .* It builds linux/amd64\.",
            id="node-that-does-not-answer",
        ),
        pytest.param(
            Builder("x", "remote", (NODE_A, replace(NODE_B, error="refused"))),
            CollectionError,
            r"Node b of builder x \(tcp://b:1\) .* It builds linux/arm64\.",
            id="one-node-that-does-not-answer",
        ),
        pytest.param(
            Builder("x", "docker-container", (Node("x0", SOCKET, (AMD64,), status="stopped"),)),
            CollectionError,
            r"cannot be told: node x0 is stopped\. Start it \(bootstrap=true\)",
            id="container-that-is-stopped",
        ),
    ],
)
def test_platforms_that_are_missing(builder, error, message):
    with pytest.raises(error, match=message):
        require_platforms(builder, (AMD64, ARM64))
