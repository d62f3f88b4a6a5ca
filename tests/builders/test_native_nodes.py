# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that declare nothing: each platform is built where it is native, also where an emulating node stands first."""

from __future__ import annotations

import pytest

from support.builder_under_test import REMOTE
from support.buildkit_nodes import Real
from support.registry_content import RegistryContent

BOTH = ["linux/amd64", "linux/arm64"]


# The stand-in has only the engine's own platform, and tells of no build which daemon did it.
@pytest.mark.parametrize("buildkit", [Real], indirect=True, ids=lambda kind: kind.__name__)
def test_native_though_it_is_second(make, buildkit, daemons, tmp_path, plain_registry, registry, prefix):
    """The same image either way. buildx alone sends both to the first one, which can emulate."""
    as_arm64 = ("--oci-worker-platform=linux/arm64", "--oci-worker-platform=linux/amd64")
    daemons += [buildkit.start(), buildkit.start(*as_arm64)]
    context = tmp_path / "context"
    context.mkdir()
    (context / "page").write_text(prefix)
    (context / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nCOPY page /page\n")
    made = {}
    for name, daemon_of_nodes in (("fleet", daemons), ("alone", daemons[:1])):
        one = make(REMOTE)
        nodes = [{"name": f"n{index}", "endpoint": daemon.endpoint} for index, daemon in enumerate(daemon_of_nodes)]
        assert not one.builder(driver=REMOTE, nodes=nodes).get("failed")
        record = one.record
        image = {
            "name": "page",
            "repository": f"{plain_registry[0]}/{prefix}/{name}",
            "context": str(context),
            "platforms": BOTH,
            "source_date_epoch": 1700000000,
        }
        arguments = {"images": [image], "builder": one.name, "buildx_config": str(one.folder)}
        predicted = one.run("image_build", check=True, **arguments)
        built = one.run("image_build", **arguments)
        assert not built.get("failed"), built["msg"]
        assert one.record == record
        for result in (predicted, built):
            made[name] = [platform["node"] for platform in result["images"][0]["platforms"]]
            assert made[name] == (["n0", "n1"] if name == "fleet" else ["n0", "n0"])
        counts = [buildkit.count_builds(daemon) for daemon in daemons]
        assert counts == ([1, 1] if name == "fleet" else [3, 1]), "each built once, then the first one both"
        digest = built["images"][0]["digest"]
        _digest, index = RegistryContent(*plain_registry).manifest(f"{prefix}/{name}", digest)
        made[name] = [entry["digest"] for entry in index["manifests"] if entry["platform"]["os"] != "unknown"]
        if name == "fleet":
            one.tried("nothing declared: image_build on native nodes", "each node builds what it is native to")
        one.remove()
    assert made["fleet"] == made["alone"]
