# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a remote builder of two nodes: what differs is found, and made right, whoever changed it."""

from __future__ import annotations

import pytest

from support.builder_under_test import CONTAINER, REMOTE


@pytest.fixture
def fleet(make, buildkit, daemons):
    """The builder, and its two nodes as declared."""
    daemons += [buildkit.start(), buildkit.start()]
    amd, arm = daemons
    nodes = [
        {"name": "amd", "endpoint": amd.endpoint, "platforms": ["linux/amd64"]},
        {"name": "arm", "endpoint": arm.endpoint, "platforms": ["linux/arm64"]},
    ]
    return make(REMOTE), nodes


def created(fleet):
    builder, nodes = fleet
    reasons = [f"builder {builder.name} is missing"]
    builder.step("create", "name", reasons, driver=REMOTE, nodes=nodes)
    assert [node["Name"] for node in builder.record["Nodes"]] == ["amd", "arm"]


def test_drift(fleet, tmp_path):
    created(fleet)
    builder, (amd, arm) = fleet
    nodes = [amd, arm]

    builder.buildx(
        *("create", "--name", builder.name, "--append", "--node", "amd", "--platform", "linux/arm/v7", amd["endpoint"])
    )
    found = "node amd: platforms: linux/arm/v7 -> linux/amd64"
    builder.step("another platform: nodes[].platforms", "nodes.platforms", [found], nodes=nodes)

    elsewhere = "tcp://127.0.0.1:9"
    builder.buildx(
        *("create", "--name", builder.name, "--append", "--node", "arm", "--platform", "linux/arm64", elsewhere)
    )
    found = f"node arm: endpoint: {elsewhere} -> {arm['endpoint']}"
    builder.step("another place: nodes[].endpoint", "nodes.endpoint", [found], nodes=nodes)

    found = ["node other is missing", "node arm is not declared"]
    builder.step("another name: nodes[].name", "nodes.name", found, nodes=[amd, {**arm, "name": "other"}])
    found = ["node arm is missing", "node other is not declared"]
    builder.step("the name back: nodes[].name", "nodes.name", found, nodes=nodes)

    with_tls(builder, amd, arm, tmp_path)

    found = [f"builder {builder.name} is not in use"]
    builder.step("not in use: use", "use", found, nodes=nodes, use=True)
    builder.buildx("use", "default")
    builder.step("another one is in use: use", "use", found, nodes=nodes, use=True)

    builder.step("all run: bootstrap", "bootstrap", [], nodes=nodes, bootstrap=True)
    builder.step("it can: platforms", "platforms", [], nodes=nodes, platforms=["linux/amd64", "linux/arm64"])
    builder.refused(
        "it cannot: platforms", ["cannot build for linux/mips64"], nodes=nodes, platforms=["linux/mips64"], within=5
    )
    settings = {"nodes": [{"name": "z", "endpoint": elsewhere}], "recreate": "never"}
    builder.refused(
        "only a new builder would do: recreate", ["recreate=never"], within=5, option="recreate", **settings
    )
    builder.refused("stop: state", ["whose daemons buildx cannot stop"], state="stopped", within=5)
    builder.refused(
        "a configuration: buildkitd_config", ["takes no buildkitd_config"], buildkitd_config={"debug": True}, within=5
    )


def with_tls(builder, amd, arm, tmp_path):
    """Each option of TLS, as declared and as buildx records it; nobody is asked."""
    for file in ("ca", "cert", "key", "other"):
        (tmp_path / file).write_text(file)
    tls = {file: str(tmp_path / file) for file in ("ca", "cert", "key")}
    recorded = {"ca": "cacert", "cert": "cert", "key": "key", "servername": "servername"}
    found = [f"node arm: driver_opts.{recorded[file]}: none -> {path}" for file, path in tls.items()]
    builder.step("TLS is new: nodes[].tls", "nodes.tls", found, nodes=[amd, {**arm, "tls": tls}])
    for option, value in {**dict.fromkeys(tls, str(tmp_path / "other")), "servername": "node"}.items():
        found = [f"node arm: driver_opts.{recorded[option]}: {tls.get(option, 'none')} -> {value}"]
        nodes = [amd, {**arm, "tls": {**tls, option: value}}]
        builder.step(f"another one: nodes[].tls.{option}", f"nodes.tls.{option}", found, nodes=nodes)
        assert builder.node("arm")["DriverOpts"][recorded[option]] == value
        builder.builder(nodes=[amd, {**arm, "tls": tls}])
    found = [f"node arm: driver_opts.{recorded[file]}: {path} -> none" for file, path in tls.items()]
    nodes = [amd, {**arm, "driver_opts": {}}]
    builder.step("no options any more: nodes[].driver_opts", "nodes.driver_opts", found, nodes=nodes)


def test_nodes_come_and_go(fleet):
    created(fleet)
    builder, (amd, arm) = fleet
    builder.buildx("create", "--name", builder.name, "--node", "arm", "--leave")
    builder.step("a node is missing: it joins", "nodes", ["node arm is missing"], nodes=[amd, arm])
    builder.step("a node too many: it leaves", "nodes", ["node arm is not declared"], nodes=[amd])
    builder.step("it joins again", "nodes", ["node arm is missing"], nodes=[amd, arm])
    builder.step("none is named: all stay", "nodes", [])

    found = ["node arm: platforms: linux/arm64 -> none", "node amd is not declared"]
    builder.step("the one that stays changes: a new builder", "nodes", found, nodes=[{**arm, "platforms": []}])
    container = [{"driver_opts": builder.opts()}]
    found = [f"driver: {REMOTE} -> {CONTAINER}"]
    builder.step("another driver: driver", "driver", found, driver=CONTAINER, nodes=container, bootstrap=True)
    found = [f"driver: {CONTAINER} -> {REMOTE}"]
    builder.step("the driver back: driver", "driver", found, driver=REMOTE, nodes=[amd, arm])
    # The caches of another driver are kept on the way, and go with nothing of a remote builder.
    builder.step("remove: state", "state", [f"builder {builder.name} is there"], state="absent", keep_state=True)
    builder.step("there is none to remove: state", "state", [], state="absent")
