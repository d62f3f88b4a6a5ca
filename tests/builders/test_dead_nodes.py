# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node is killed: who it is, where it is and what to do is said, soon, and nobody waits for it in vain."""

from __future__ import annotations

import subprocess
import threading
import time

import pytest

from support.builder_under_test import CONTAINER, REMOTE
from support.buildkit_nodes import engine_relay
from support.module_runner import ModuleRunner

BOTH = ["linux/amd64", "linux/arm64"]


@pytest.fixture
def context(tmp_path, registry):
    """A page, and a step that runs on each platform."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "page").write_text("one")
    (folder / "Dockerfile").write_text(
        f'FROM {registry}/bases/busybox:latest\nARG slow=0\nCOPY page /page\nRUN ["/bin/busybox", "sleep", "0"]\n'
    )
    return folder


@pytest.fixture
def image(plain_registry, prefix, context):
    """``image(builder, platforms)``: arguments of image_build."""

    def arguments(builder, platforms=BOTH, **options):
        one = {"name": "page", "repository": f"{plain_registry[0]}/{prefix}/page", "context": str(context)}
        return {"images": [{**one, "platforms": platforms, **options}], "builder": builder.name}

    return arguments


@pytest.fixture
def fleet(make, buildkit, daemons, tmp_path):
    """A builder of a node for each platform, running, and what the second one can be killed by."""
    daemons += [buildkit.start(), buildkit.start()]
    amd, arm = daemons
    nodes = [
        {"name": "amd", "endpoint": amd.endpoint, "platforms": BOTH[:1]},
        {"name": "arm", "endpoint": arm.endpoint, "platforms": BOTH[1:]},
    ]
    builder = make(REMOTE)
    assert not builder.builder(driver=REMOTE, nodes=nodes).get("failed")
    return builder, arm


def test_a_dead_remote_node(fleet, image):
    builder, arm = fleet
    who = ["Node arm of builder", arm.endpoint, "cannot be reached", "Start its daemon"]
    arm.kill()

    started = time.monotonic()
    info = builder.run("buildx_builder_info", name=builder.name, buildx_config=str(builder.folder))
    assert not info.get("failed"), info
    assert time.monotonic() - started < 10
    described = {node["name"]: (node["status"], node["error"]) for node in info["builders"][0]["nodes"]}
    assert described["amd"] == ("running", None)
    assert described["arm"] == ("inactive", f"nothing answers at {arm.endpoint}")
    builder.tried("a node is killed: buildx_builder_info", "the node is inactive, its error names the endpoint")

    builder.step("a node is killed: the same declaration", None, [])
    builder.step("a node is killed: platforms of the other node", None, [], platforms=BOTH[:1])
    builder.refused("a node is killed: its platforms", who, platforms=BOTH, within=5)
    # buildx waits 20 seconds for the daemon to answer; check mode does not wait.
    builder.refused("a node is killed: bootstrap", who, bootstrap=True, within=30, check=False)
    builder.refused("a node is killed: image_build for both platforms", who, "image_build", **image(builder), within=5)
    built = builder.run("image_build", buildx_config=str(builder.folder), **image(builder, BOTH[:1]))
    assert built.get("changed"), built
    builder.tried("a node is killed: image_build for the other node's platform", "built")

    arm.start()
    builder.step("it is back: platforms, bootstrap", None, [], platforms=BOTH, bootstrap=True)
    built = builder.run("image_build", buildx_config=str(builder.folder), **image(builder))
    assert [platform["built"] for platform in built["images"][0]["platforms"]] == [False, True], built
    builder.tried("it is back: image_build for both platforms", "the missing one built, both merged")


def test_no_platform_is_declared_for_a_dead_node(fleet, image):
    """buildx asks every node then, so that one that does not answer matters for every platform."""
    builder, arm = fleet
    nodes = [{"name": name, "platforms": []} for name in ("amd", "arm")]
    assert not builder.builder(nodes=nodes).get("failed")
    arm.kill()
    said = ["Node arm of builder", arm.endpoint, "is asked for linux/amd64, as no node declares that platform"]
    title = "a node without platforms is killed: image_build for any platform"
    builder.refused(title, said, "image_build", **image(builder, BOTH[:1]), within=5)


@pytest.fixture
def slow_build(fleet, image, context):
    """A build of the second node in a step that takes a minute, and ``end()``: its result, and after how many seconds."""
    builder, arm = fleet
    text = (context / "Dockerfile").read_text()
    (context / "Dockerfile").write_text(text.replace('"sleep", "0"', '"sleep", "60"'))
    other = ModuleRunner()
    results = []
    arguments = {"buildx_config": str(builder.folder), **image(builder, BOTH[1:])}
    build = threading.Thread(
        target=lambda: results.append(other.run("image_build", process_environment=builder.environment, **arguments))
    )
    build.start()
    # Long enough for the step to run.
    time.sleep(6)
    assert build.is_alive(), results
    started = time.monotonic()

    def end(within):
        build.join(within)
        assert results, f"image_build hangs for {within} s"
        return results[0], time.monotonic() - started

    yield end
    other.close()


def test_a_node_dies_while_it_builds(fleet, slow_build):
    builder, arm = fleet
    arm.kill()
    result, seconds = slow_build(within=40)
    assert result.get("failed"), result
    assert result["failed_builds"][0]["cause"] == "node gone", result["msg"]
    assert "page for linux/arm64 failed on node arm: node gone" in result["msg"]
    builder.tried("a node is killed while it builds: image_build", f"cause: node gone, after {seconds:.0f} s")


def test_the_network_is_cut_while_a_node_builds(fleet, slow_build, image):
    builder, arm = fleet
    with arm.cut_off():
        # TCP asks a silent side nine times, every 15 seconds.
        result, seconds = slow_build(within=300)
        assert result.get("failed"), result
        assert result["failed_builds"][0]["cause"] == "node gone", result["msg"]
        assert "page for linux/arm64 failed on node arm: node gone" in result["msg"]
        who = ["Node arm of builder", arm.endpoint, "cannot be reached"]
        builder.refused("the network is cut: image_build", who, "image_build", **image(builder), within=30)
    builder.tried("the network is cut while a node builds: image_build", f"cause: node gone, after {seconds:.0f} s")
    builder.step("the network is back: platforms", None, [], platforms=BOTH)


@pytest.fixture
def small_disk(tmp_path):
    """A folder that takes 60 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(make, buildkit, daemons, small_disk, image, context):
    """One node's disk is full: it is named, and after what the message says to do, both can be used."""
    daemons += [buildkit.start(), buildkit.start(f"--root={small_disk}")]
    nodes = [
        {"name": name, "endpoint": daemon.endpoint, "platforms": [platform]}
        for name, daemon, platform in zip(("amd", "arm"), daemons, BOTH, strict=True)
    ]
    builder = make(REMOTE)
    assert not builder.builder(driver=REMOTE, nodes=nodes).get("failed")
    dockerfile = context / "Dockerfile"
    small = dockerfile.read_text()
    step = '["/bin/busybox", "sh", "-c", "[ $(uname -m) = x86_64 ] || dd if=/dev/zero of=/large bs=1M count=100"]'
    dockerfile.write_text(small.replace('["/bin/busybox", "sleep", "0"]', step))
    result = builder.run("image_build", buildx_config=str(builder.folder), **image(builder))
    assert result.get("failed"), result
    assert "page for linux/arm64 failed on node arm in [2/3] RUN" in result["msg"]
    assert [failed["cause"] for failed in result["failed_builds"]] == ["no space"]
    builder.tried("a node's disk is full: image_build", "cause: no space, the node is named")
    assert "docker buildx prune" in result["msg"]
    builder.buildx("prune", "--builder", builder.name, "--all", "--force")
    dockerfile.write_text(small)
    built = builder.run("image_build", buildx_config=str(builder.folder), **image(builder))
    assert not built.get("failed"), built["msg"]
    assert [platform["built"] for platform in built["images"][0]["platforms"]] == [True, True]
    builder.tried("something that fits, on the same node: image_build", "built")


def test_a_dead_engine(make, daemons, tmp_path, image):
    """The engine on which the container runs is away: buildx does not reach it, and nobody can start it."""
    daemons.append(engine_relay(tmp_path))
    builder = make(CONTAINER)
    nodes = [{"driver_opts": builder.opts(), "endpoint": daemons[0].endpoint}]
    made = builder.builder(driver=CONTAINER, nodes=nodes, bootstrap=True)
    assert not made.get("failed"), made
    who = [f"Node {builder.name}0 of builder", daemons[0].endpoint, "cannot be reached", "Start the engine there"]
    daemons[0].kill()

    info = builder.run("buildx_builder_info", name=builder.name, buildx_config=str(builder.folder))
    assert daemons[0].endpoint in info["builders"][0]["nodes"][0]["error"], info
    builder.tried("the engine is away: buildx_builder_info", "the node's error names the endpoint")
    builder.step("the engine is away: the same declaration", None, [])
    builder.refused("the engine is away: platforms", who, platforms=BOTH[:1], within=5)
    builder.refused("the engine is away: bootstrap", who, bootstrap=True, within=30, check=False)
    builder.refused("the engine is away: image_build", who, "image_build", **image(builder), within=5)
    daemons[0].start()
    builder.step("the engine is back: bootstrap", None, [], bootstrap=True)


def kill_container(builder, node):
    builder.docker("kill", f"buildx_buildkit_{node}")
    builder.docker("wait", f"buildx_buildkit_{node}")


def test_a_killed_container(make, image):
    """Its daemon is killed. Whoever needs it starts it."""
    builder = make(CONTAINER)
    made = builder.builder(driver=CONTAINER, nodes=[{"driver_opts": builder.opts()}], bootstrap=True)
    assert not made.get("failed"), made
    node = f"{builder.name}0"
    kill_container(builder, node)
    info = builder.run("buildx_builder_info", name=builder.name, buildx_config=str(builder.folder))
    assert info["builders"][0]["nodes"][0]["status"] == "stopped", info
    builder.tried("the container is killed: buildx_builder_info", "stopped")
    said = [f"node {node} is stopped", "Start it (bootstrap=true)"]
    builder.refused("the container is killed: platforms", said, platforms=BOTH, within=5)
    built = builder.run("image_build", buildx_config=str(builder.folder), **image(builder))
    assert built.get("changed"), built
    assert builder.container(node)["State"]["Running"]
    builder.tried("the container is killed: image_build for both platforms", "started and built")
    kill_container(builder, node)
    found = [f"node {node} does not run"]
    builder.step("the container is killed: bootstrap", "bootstrap", found, bootstrap=True)
