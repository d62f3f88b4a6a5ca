# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of both platforms through builders: an index that holds them, each built where it was declared."""

from __future__ import annotations

import json

import pytest

from support.builder_under_test import CONTAINER, REMOTE
from support.registry_content import RegistryContent

BOTH = ["linux/amd64", "linux/arm64"]


@pytest.fixture(params=[REMOTE, CONTAINER])
def builder(request, make, buildkit, daemons):
    """A builder for both platforms, and its daemons where they are programs of ours."""
    one = make(request.param)
    if request.param == CONTAINER:
        wanted = {"nodes": [{"driver_opts": one.opts()}], "bootstrap": True}
    else:
        daemons += [buildkit.start(), buildkit.start()]
        wanted = {
            "nodes": [
                {"name": f"n{index}", "endpoint": daemon.endpoint, "platforms": [platform]}
                for index, (daemon, platform) in enumerate(zip(daemons, BOTH))
            ]
        }
    made = one.builder(driver=request.param, **wanted)
    assert not made.get("failed"), made
    return one


@pytest.fixture
def context(tmp_path, registry, prefix):
    """A build of one step, that nobody did before."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "page").write_text(prefix)
    (folder / "Dockerfile").write_text(
        f'FROM {registry}/bases/busybox:latest\nCOPY page /page\nRUN ["/bin/busybox", "touch", "/made"]\n'
    )
    return folder


def test_both_platforms(builder, daemons, context, plain_registry, prefix):
    host, blobs = plain_registry
    image = {"name": "page", "repository": f"{host}/{prefix}/page", "context": str(context), "platforms": BOTH}
    arguments = {"images": [image], "builder": builder.name, "buildx_config": str(builder.folder)}

    predicted = builder.run("image_build", check=True, **arguments)
    built = builder.run("image_build", **arguments)
    assert (predicted["changed"], built["changed"]) == (True, True), built.get("msg")
    again = builder.run("image_build", **arguments)
    assert again["changed"] is False

    content = RegistryContent(host, blobs)
    tags = content.tags(f"{prefix}/page")
    _digest, index = content.manifest(f"{prefix}/page", built["images"][0]["digest"])
    there = [
        f"{entry['platform']['os']}/{entry['platform']['architecture']}"
        for entry in index["manifests"]
        if entry["platform"]["os"] != "unknown"
    ]
    assert there == BOTH
    incomplete = [fault for tag, digest in tags.items() for fault in content.incomplete(f"{prefix}/page", digest)]
    assert incomplete == []

    seconds = sum(platform["duration"] for platform in built["images"][0]["platforms"])
    text = f"an index of both, {seconds:.1f} s of builds; then nothing"
    if builder.is_real and daemons:
        counts = [builder.buildkit.count_builds(daemon) for daemon in daemons]
        assert counts == [1, 1], "each node builds its platform"
        text += f"; builds by node: {' and '.join(map(str, counts))}"
    builder.tried("image_build for both platforms", text)


def test_a_node_that_is_gone_is_left_out(make, buildkit, daemons, context, plain_registry, prefix):
    """Its platform is built by the other one, under emulation, and a warning says so; without `skip` it is an error."""
    one = make(REMOTE)
    daemons += [buildkit.start(), buildkit.start()]
    nodes = [
        {"name": f"n{index}", "endpoint": daemon.endpoint, "platforms": [platform]}
        for index, (daemon, platform) in enumerate(zip(daemons, BOTH))
    ]
    assert not one.builder(driver=REMOTE, nodes=nodes).get("failed")
    daemons[1].kill()
    repository = f"{plain_registry[0]}/{prefix}/page"
    image = {"name": "page", "repository": repository, "context": str(context), "platforms": BOTH}
    arguments = {"images": [image], "builder": one.name, "buildx_config": str(one.folder)}
    record = one.record

    refused = one.run("image_build", **arguments)
    assert "Node n1" in refused["msg"]
    assert "linux/arm64" in refused["msg"]
    for check in (True, False):
        built = one.run("image_build", check=check, unreachable_nodes="skip", **arguments)
        assert not built.get("failed"), built["msg"]
        warned = json.dumps(built["warnings"])
        assert (warned.count("is left out"), "Node n1 of builder" in warned) == (1, True), warned
        assert [platform["node"] for platform in built["images"][0]["platforms"]] == ["n0", "n0"]
    assert [platform["native"] for platform in built["images"][0]["platforms"]] == [True, False]
    assert one.record == record, "the user's record of the builder stays as it is"
    one.tried("a node is gone: image_build, unreachable_nodes", "a warning; built by the other one, under emulation")


def test_reproducible(builder, context, plain_registry, prefix):
    """With a driver that can rewrite timestamps, the same inputs give the same layers and configuration."""
    made = []
    for repository in ("one", "two"):
        image = {
            "name": "page",
            "repository": f"{plain_registry[0]}/{prefix}/{repository}",
            "context": str(context),
            "platforms": BOTH,
            "source_date_epoch": 1700000000,
            "reproducible": True,
            "provenance": "none",
            "rebuild": "always",
        }
        built = builder.run("image_build", images=[image], builder=builder.name, buildx_config=str(builder.folder))
        assert not built.get("failed"), built["msg"]
        assert built["images"][0]["reproducible"]
        made.append([platform["digest"] for platform in built["images"][0]["platforms"]])
    assert made[0] == made[1]
    builder.tried("image_build, reproducible, twice without cache", "equal digests on both platforms")
