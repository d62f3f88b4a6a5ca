# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each host built, tested and promoted an image for its own platform, and runs it."""

from __future__ import annotations

import pytest

VERSION = "0.15.90"


@pytest.fixture
def manifest(registry, name):
    """What the index holds besides attestations: one manifest, of the host's platform."""
    index = registry(f"{name}/dify-api/manifests/{VERSION}")
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    wanted = [entry for entry in index["manifests"] if entry["platform"]["os"] != "unknown"]
    assert [(entry["platform"]["os"], entry["platform"]["architecture"]) for entry in wanted] == [("linux", name)]
    return wanted[0]


def test_the_image_is_of_the_platform_that_its_index_says(registry, name, manifest):
    config = registry(f"{name}/dify-api/manifests/{manifest['digest']}")["config"]
    assert registry(f"{name}/dify-api/blobs/{config['digest']}")["architecture"] == name


def test_its_tests_are_on_record(registry, name, manifest):
    record = f"ok-{manifest['digest'].removeprefix('sha256:')}-"
    assert [tag for tag in registry(f"{name}/dify-api/tags/list")["tags"] if tag.startswith(record)]


def test_people_see_one_tag(registry, name):
    tags = registry(f"{name}/dify-api/tags/list")["tags"]
    assert [tag for tag in tags if not tag.startswith(("building-", "fp-", "ok-"))] == [VERSION]


def test_smoke_tests_left_no_container(host):
    assert host.check_output("docker container ls --all --quiet") == ""


def test_it_runs_on_the_host(start_api, name):
    start_api(f"registry.test:5000/{name}/dify-api:{VERSION}")
