# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry whose garbage is collected takes nothing for a while, and drops what was pushed without its manifest."""

from __future__ import annotations

import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from support.closed_registry import CLOSED, COLLECTED, before


class Refusal:
    """Refuses some requests for a time, or a number of times, and counts them."""

    def __init__(self, answer, applies, seconds=0.0, times=0):
        self.answer, self.applies, self.seconds, self.times = answer, applies, seconds, times
        self.began, self.count = None, 0

    def __call__(self, method, path):
        if not self.applies(method, path):
            return None
        self.began = self.began or time.monotonic()
        if self.count >= self.times and time.monotonic() - self.began > self.seconds:
            return None
        self.count += 1
        return self.answer


def writes(method, _path):
    return method not in ("GET", "HEAD")


def manifests(method, path):
    return method == "PUT" and "/manifests/" in path


@pytest.mark.parametrize(
    "refusal",
    [
        # BuildKit itself tries for eight seconds.
        pytest.param(lambda: Refusal(CLOSED, writes, seconds=10), id="closed-for-longer-than-buildkit-tries"),
        pytest.param(lambda: Refusal(COLLECTED, manifests, times=1), id="collected-before-the-manifest"),
    ],
)
def test_a_build_is_pushed_when_the_registry_takes_it(modules, registry, prefix, tmp_path, refusal):
    (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN echo {prefix} > /x\n")
    refuse = refusal()
    with before(registry, refuse) as closed:
        built = modules.run(
            "image_build",
            images=[{"name": "one"}],
            repository=f"{closed}/{prefix}/one",
            context=str(tmp_path),
            platforms=["linux/amd64"],
        )
    assert not built.get("failed"), built
    assert refuse.count > 0
    reference = built["images"][0]["reference"].replace(closed, registry)
    assert RegistryClient().get_manifest(parse_reference(reference)).digest == built["images"][0]["digest"]


def test_an_image_is_copied_when_the_registry_takes_it(registry, prefix):
    source = parse_reference(f"{registry}/bases/busybox:latest")
    refuse = Refusal(CLOSED, writes, times=3)
    client = RegistryClient()
    with before(registry, refuse) as closed:
        target = parse_reference(f"{closed}/{prefix}/copied:1")
        index = client.get_manifest(source)
        copy_content(client, source, index, target)
        client.put_manifest(target, index)
        assert client.get_manifest(target).digest == index.digest
    assert refuse.count == 3
