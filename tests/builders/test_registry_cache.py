# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders that share what they did by the registry: one that never built takes the steps of another."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from support.builder_under_test import CONTAINER
from support.registry_content import RegistryContent

PLATFORM = "linux/amd64"
CACHE = "cache-upstream-linux-amd64"
#: A step that gives something else each time, before one whose file a test changes.
DOCKERFILE = """\
FROM {registry}/bases/busybox:latest
ENV TEST={prefix}
RUN ["/bin/busybox", "cp", "/proc/sys/kernel/random/uuid", "/made"]
COPY page /page
"""


@pytest.fixture
def build(make, registry, plain_registry, tmp_path, prefix):
    """Gives a function that builds a page by a builder of its own, in a container, whose daemon has built nothing."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE.format(registry=registry, prefix=prefix))

    def with_page(text):
        (context / "page").write_text(f"{prefix} {text}")
        one = make(CONTAINER)
        made = one.builder(driver=CONTAINER, nodes=[{"driver_opts": one.opts()}], bootstrap=True)
        assert not made.get("failed"), made
        image = {
            "name": "page",
            "repository": f"{plain_registry[0]}/{prefix}/page",
            "context": str(context),
            "platforms": [PLATFORM],
            "registry_cache": True,
        }
        built = one.run("image_build", images=[image], builder=one.name, buildx_config=str(one.folder))
        assert not built.get("failed"), built.get("msg")
        one.tried("image_build with registry_cache", "a cold builder takes the steps of another")
        one.remove()
        return built["images"][0]

    return with_page


def layers(plain_registry, prefix, image):
    """Digests of the layers that the steps made."""
    content = RegistryContent(*plain_registry)
    _digest, manifest = content.manifest(f"{prefix}/page", image["platforms"][0]["digest"])
    return [layer["digest"] for layer in manifest["layers"]][-2:]


def test_a_cold_builder_takes_what_another_did(build, plain_registry, prefix):
    """The first finds no cache at all, and builds. The second writes the cache anew, and nothing stays of the one before."""
    content = RegistryContent(*plain_registry)
    first = build("one")
    before = content.tags(f"{prefix}/page")[CACHE]
    second = build("two")
    assert content.tags(f"{prefix}/page")[CACHE] != before
    with pytest.raises(urllib.error.HTTPError, match="404"):
        content.manifest(f"{prefix}/page", before)
    assert (first["platforms"][0]["cached_steps"], second["platforms"][0]["cached_steps"]) == (0, 1)
    made, again = (layers(plain_registry, prefix, image) for image in (first, second))
    assert made[0] == again[0]
    assert made[1] != again[1]


def test_a_cache_that_is_none_does_no_harm(build, plain_registry, prefix):
    """The tag is at an image, as somebody's mistake may put it."""
    first = build("one")
    put_tag(plain_registry[0], f"{prefix}/page", CACHE, first["platforms"][0]["digest"])
    second = build("two")
    assert second["platforms"][0]["cached_steps"] == 0
    assert layers(plain_registry, prefix, first)[0] != layers(plain_registry, prefix, second)[0]
    assert list(RegistryContent(*plain_registry).incomplete(f"{prefix}/page", first["digest"])) == []


def put_tag(host, repository, tag, digest):
    address = f"http://{host}/v2/{repository}/manifests"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/{digest}", headers=accept)) as answer:
        body = answer.read()
    kind = {"Content-Type": json.loads(body)["mediaType"]}
    urllib.request.urlopen(urllib.request.Request(f"{address}/{tag}", data=body, headers=kind, method="PUT")).close()
