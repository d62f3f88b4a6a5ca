# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each host built, tested and promoted an image for its own platform, and runs it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

VERSION = "0.15.90"
PORT = 5001


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


@pytest.fixture
def running(host, name, address):
    """The image, started as a user would; where it is reached from this machine."""
    image = f"registry.test:5000/{name}/dify-api:{VERSION}"
    run = f"docker run --detach --publish {PORT}:{PORT} --env DIFY_PORT={PORT} {image}"
    container = host.check_output(run)
    yield f"http://{address(name)}:{PORT}"
    host.run(f"docker rm --force --volumes {container}")


def test_it_runs_on_the_host(running):
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{running}/health", timeout=10) as answer:
                assert answer.status == 200
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
