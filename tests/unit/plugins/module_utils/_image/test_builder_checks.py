# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._image.builder_checks import check_builder, check_version
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_repository

BOTH = (parse_platform("linux/amd64"), parse_platform("linux/arm64"))


def plan(repository="localhost:5000/api", platform="linux/arm64", output="registry", reproducible=False):
    request = SimpleNamespace(
        name="api", repository=parse_repository(repository), output=output, reproducible=reproducible
    )
    return SimpleNamespace(resolved=SimpleNamespace(request=request), missing=(SimpleNamespace(platform=platform),))


def builder(driver="docker", endpoint=None, platforms=BOTH, **options):
    return Builder("b", driver, (Node("n", endpoint, driver_opts=options, detected=platforms),))


def fleet(silent, declared=True):
    """Two remote nodes on loopback, one for each platform; one of them does not answer."""
    nodes = tuple(
        Node(
            name,
            f"tcp://127.0.0.1:{port}",
            platforms=(platform,) if declared else (),
            detected=() if name == silent else BOTH,
            error="refused" if name == silent else None,
        )
        for name, port, platform in (("amd", 1, BOTH[0]), ("arm", 2, BOTH[1]))
    )
    return Builder("b", "remote", nodes)


@pytest.mark.parametrize(
    "the_builder, the_plan",
    [
        pytest.param(fleet("amd"), plan(), id="the-other-node-is-silent"),
        pytest.param(builder(), plan(), id="docker"),
        pytest.param(builder("docker-container", network="host"), plan(), id="container-in-the-hosts-network"),
        pytest.param(builder("docker-container"), plan("r.example.com/api"), id="container-and-a-real-registry"),
        pytest.param(builder("remote", "tcp://127.0.0.1:1234"), plan(), id="remote-on-loopback"),
        pytest.param(
            builder("remote", "tcp://10.0.0.1:1234"), plan("r.example.com/api"), id="remote-and-a-real-registry"
        ),
        pytest.param(builder("remote", "tcp://10.0.0.1:1234"), plan(output="oci_layout"), id="remote-and-a-layout"),
        pytest.param(builder("remote", "unix:///s"), plan(reproducible=True), id="remote-rewrites-timestamps"),
        pytest.param(builder(platforms=()), plan(), id="platforms-not-known"),
    ],
)
def test_builders_that_can(the_builder, the_plan):
    check_builder(the_builder, [the_plan])


@pytest.mark.parametrize(
    "the_builder, the_plan, kind, message",
    [
        pytest.param(
            fleet("arm"),
            plan(),
            CollectionError,
            r"Node arm of builder b \(tcp://127.0.0.1:2\) cannot be reached: refused. .* It builds linux/arm64",
            id="silent",
        ),
        pytest.param(
            fleet("arm", declared=False),
            plan(platform="linux/amd64"),
            CollectionError,
            "Node arm .* is asked for linux/amd64, as no node declares that platform",
            id="silent-and-asked",
        ),
        pytest.param(
            builder(platforms=BOTH[:1]), plan(), MissingPrerequisite, "No node .* builds linux/arm64", id="platform"
        ),
        pytest.param(
            builder("remote", "tcp://10.0.0.1:1234"),
            plan(),
            CollectionError,
            "node n of builder b is another machine",
            id="remote",
        ),
        pytest.param(builder("docker-container", "ssh://h"), plan(), CollectionError, "another machine", id="ssh"),
        pytest.param(
            builder("kubernetes"), plan("127.0.0.1:5000/api"), CollectionError, "on loopback", id="kubernetes"
        ),
        pytest.param(builder("docker-container"), plan(), CollectionError, "network: host", id="container"),
        pytest.param(
            builder(), plan(reproducible=True), CollectionError, "cannot rewrite timestamps", id="reproducible"
        ),
    ],
)
def test_builders_that_cannot(the_builder, the_plan, kind, message):
    with pytest.raises(kind, match=message):
        check_builder(the_builder, [the_plan])


def test_version():
    check_version((0, 13, 0))
    with pytest.raises(CollectionError, match="buildx is 0.12.1"):
        check_version((0, 12, 1))
