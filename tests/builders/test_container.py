# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a docker-container builder: what differs is found, and its container becomes what was declared."""

from __future__ import annotations

import hashlib

import pytest

from support.builder_under_test import CONTAINER

SOCKET = "unix:///var/run/docker.sock"
OTHER_SOCKET = "unix:///run/docker.sock"


@pytest.fixture
def builder(make):
    """A builder of one node, running."""
    one = make(CONTAINER)
    one.step(
        "create and start",
        "name",
        [f"builder {one.name} is missing"],
        driver=CONTAINER,
        nodes=[{"driver_opts": one.opts()}],
        bootstrap=True,
    )
    assert one.container(f"{one.name}0")["State"]["Running"]
    return one


def test_drift_of_nodes(builder):
    node = f"{builder.name}0"
    opts = builder.opts()

    def changes(title, option, reason, **wanted):
        """One node of which something changes; its daemon runs, and its container is returned."""
        entry = {"name": node, "driver_opts": opts, **wanted}
        builder.step(title, option, [f"node {node}: {reason}"], nodes=[entry], bootstrap=True)
        return builder.container(node)

    seen = changes(
        "another variable: nodes[].driver_opts.env.",
        "nodes.driver_opts",
        "driver_opts.env.LIST: none -> one,two",
        driver_opts={**opts, "env.LIST": "one,two"},
    )
    assert "LIST=one,two" in seen["Config"]["Env"]
    seen = changes("no variable any more: nodes[].driver_opts", None, "driver_opts.env.LIST: one,two -> none")
    assert not any(one.startswith("LIST=") for one in seen["Config"]["Env"])
    seen = changes(
        "a limit: nodes[].driver_opts.memory",
        None,
        "driver_opts.memory: none -> 1g",
        driver_opts={**opts, "memory": "1g"},
    )
    assert seen["HostConfig"]["Memory"] == 1 << 30
    opts = {**opts, "memory": "1g"}
    seen = changes(
        "another image: nodes[].driver_opts.image",
        None,
        f"driver_opts.image: {builder.images[0]} -> {builder.images[1]}",
        driver_opts={**opts, "image": builder.images[1]},
    )
    assert seen["Config"]["Image"] == builder.images[1]
    opts = {**opts, "image": builder.images[1]}
    seen = changes(
        "flags: nodes[].buildkitd_flags",
        "nodes.buildkitd_flags",
        "buildkitd_flags: --allow-insecure-entitlement=network.host -> --debug",
        buildkitd_flags=["--debug"],
    )
    assert "--debug" in seen["Args"]
    changes(
        "platforms: nodes[].platforms",
        "nodes.platforms",
        "platforms: none -> linux/arm64",
        platforms=["linux/arm64"],
    )
    changes(
        "another place: nodes[].endpoint",
        "nodes.endpoint",
        f"endpoint: {SOCKET} -> {OTHER_SOCKET}",
        endpoint=OTHER_SOCKET,
    )
    # A name of its own takes the place of the node that buildx named.
    other = f"{builder.name}x"
    nodes = [{"name": other, "driver_opts": opts}]
    found = [f"node {other} is missing", f"node {node} is not declared"]
    builder.step("another name: nodes[].name", "nodes.name", found, nodes=nodes, bootstrap=True)
    assert builder.container(other)["State"]["Running"]


def test_drift_of_the_builder(builder, tmp_path):
    node = f"{builder.name}0"
    ca = tmp_path / "ca.crt"
    ca.write_text("first")
    registry = {"r.example.com:5000": {"ca": [str(ca)]}}

    def configuration():
        find = "find /etc/buildkit -type f"
        script = f"{find} -name buildkitd.toml -exec cat {{}} +; {find} -path '*certs*' -exec cat {{}} +"
        return builder.docker("exec", f"buildx_buildkit_{node}", "sh", "-c", script)

    found = [f"node {node}: buildkitd_config.debug: none -> True"]
    builder.step(
        "a configuration: buildkitd_config",
        "buildkitd_config",
        found,
        buildkitd_config={"debug": True},
        bootstrap=True,
    )
    assert "debug = true" in configuration()
    digests = [hashlib.sha256(text).hexdigest() for text in (b"first", b"second")]
    found = [f"node {node}: buildkitd_config.registry.r.example.com:5000.ca: none -> ca.crt sha256:{digests[0]}"]
    settings = {"debug": True, "registry": registry}
    builder.step("a registry's CA: buildkitd_config", None, found, buildkitd_config=settings, bootstrap=True)
    ca.write_text("second")
    found = [
        f"node {node}: buildkitd_config.registry.r.example.com:5000.ca: "
        f"ca.crt sha256:{digests[0]} -> ca.crt sha256:{digests[1]}"
    ]
    builder.step("the CA is renewed: buildkitd_config", None, found, buildkitd_config=settings, bootstrap=True)
    assert configuration().endswith("second")

    builder.docker("stop", "--time", "2", f"buildx_buildkit_{node}")
    builder.step("stopped behind its back: bootstrap", "bootstrap", [f"node {node} does not run"], bootstrap=True)
    builder.docker("rm", "--force", f"buildx_buildkit_{node}")
    builder.step("its container is gone: bootstrap", "bootstrap", [f"node {node} does not run"], bootstrap=True)
    assert configuration().endswith("second"), "the configuration is lost"

    platforms = ["linux/amd64", "linux/arm64"]
    if builder.is_real:
        builder.step("it can: platforms", "platforms", [], platforms=platforms)
    missing = ["cannot build for linux/mips64"]
    builder.refused("it cannot: platforms", missing, platforms=["linux/mips64"], within=5)
    settings = {"nodes": [{"name": node, "driver_opts": builder.opts(memory="1g")}], "recreate": "never"}
    builder.refused(
        "only a new builder would do: recreate", ["recreate=never"], within=5, option="recreate", **settings
    )
    tls = [{"name": node, "tls": {"ca": str(ca)}}]
    builder.refused("TLS: nodes[].tls", ["takes no tls"], nodes=tls, within=5)

    found = [f"builder {builder.name} is not in use"]
    builder.step("not in use: use", "use", found, use=True)
    builder.buildx("use", "default")
    builder.step("another one is in use: use", "use", found, use=True)


def test_nodes_come_and_go(builder):
    node, joining = f"{builder.name}0", f"{builder.name}1"
    builder.docker("exec", f"buildx_buildkit_{node}", "touch", "/var/lib/buildkit/left-here")
    nodes = [{"name": node}, {"name": joining, "endpoint": OTHER_SOCKET, "driver_opts": builder.opts()}]
    builder.step("it joins", "nodes", [f"node {joining} is missing"], nodes=nodes, bootstrap=True)
    assert builder.container(joining)["State"]["Running"]
    builder.buildx("create", "--name", builder.name, "--node", joining, "--leave")
    found = [f"node {joining} is missing"]
    builder.step("a node is missing: it joins", "nodes", found, nodes=nodes, bootstrap=True)
    builder.step("a node too many: it leaves", "nodes", [f"node {joining} is not declared"], nodes=nodes[:1])
    names = builder.docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={builder.name}").split()
    assert names == [f"buildx_buildkit_{node}"]

    builder.step("stop: state", "state", [f"node {node} runs"], state="stopped")
    assert not builder.container(node)["State"]["Running"]
    builder.step("start: bootstrap", "bootstrap", [f"node {node} does not run"], bootstrap=True)

    found = [f"builder {builder.name} is there"]
    builder.step("remove and keep the cache: keep_state", "keep_state", found, state="absent", keep_state=True)
    wanted = {"driver": CONTAINER, "nodes": [{"driver_opts": builder.opts()}], "bootstrap": True}
    builder.step("create again: the cache is there", None, [f"builder {builder.name} is missing"], **wanted)
    builder.docker("exec", f"buildx_buildkit_{node}", "test", "-e", "/var/lib/buildkit/left-here")
    builder.step("remove: state", "state", found, state="absent")
    builder.step("there is none to remove: state", "state", [], state="absent")
    left = builder.snapshot()
    # A node that left keeps its cache, for the case that it comes back.
    assert (left["containers"], list(left["volumes"])) == ({}, [f"buildx_buildkit_{joining}_state"])
