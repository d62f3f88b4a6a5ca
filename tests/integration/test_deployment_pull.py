# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that the engine has for another platform than its own. They come from a registry that no build has put them into."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_CONFIG,
    OCI_MANIFEST,
    json_manifest,
    merge_indexes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def own():
    return docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")


@pytest.fixture(scope="module")
def foreign(own):
    return "linux/amd64" if own == "linux/arm64" else "linux/arm64"


@pytest.fixture
def put(plain_registry, prefix):
    """Put an image of some platforms into the registry; its reference, which the engine forgets at the end."""
    made = []

    def image(*platforms):
        reference = parse_reference(f"{plain_registry[0]}/{prefix}/one:1")
        client, entries = RegistryClient(), []
        for platform in platforms:
            manifest = _manifest(client, reference, platform, f"{prefix} for {platform}")
            client.put_manifest(reference.with_digest(manifest.digest), manifest)
            system, architecture = platform.split("/")
            entries.append({**manifest.descriptor(), "platform": {"os": system, "architecture": architecture}})
        if len(platforms) > 1:
            manifest = merge_indexes([], {}, entries)
            client.put_manifest(reference, manifest)
        made.append(f"{reference.name}@{manifest.digest}")
        return made[-1]

    yield image
    subprocess.run(["docker", "image", "rm", "--force", *made], check=True, capture_output=True)


def _manifest(client, reference, platform, text):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        file = tarfile.TarInfo("file")
        file.size = len(text)
        archive.addfile(file, io.BytesIO(text.encode()))
    system, architecture = platform.split("/")
    diff_id = f"sha256:{hashlib.sha256(content.getvalue()).hexdigest()}"
    config = {
        "os": system,
        "architecture": architecture,
        "config": {"Cmd": ["/file"]},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": client.put_blob(reference, json.dumps(config).encode(), OCI_CONFIG),
        "layers": [client.put_blob(reference, gzip.compress(content.getvalue()), LAYER)],
    }
    return json_manifest(document)


def test_what_is_there_for_another_platform_is_brought(modules, put, own, foreign):
    image = put(own, foreign)
    docker("pull", "--quiet", "--platform", foreign, image)
    brought = [modules.run("deployment_pull", check, images=[image]) for check in (True, False, True, False)]
    assert [found["changed"] for found in brought] == [True, True, False, False]
    assert [found["pulled"] for found in brought] == [[image], [image], [], []]
    why = [f"{image} is in the engine for {foreign} alone, and the engine runs {own}"]
    assert [found["reasons"] for found in brought] == [why, why, [], []]
    assert docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image) == own


def test_what_is_not_there_at_all_is_brought(modules, put, own, foreign):
    image = put(own, foreign)
    brought = modules.run("deployment_pull", images=[image])
    assert brought["reasons"] == [f"{image} is not in the engine"]
    assert modules.run("deployment_pull", images=[image])["reasons"] == []


@pytest.mark.parametrize("platforms", [pytest.param(1, id="an-image"), pytest.param(2, id="an-index")])
def test_what_is_for_other_platforms_alone_is_no_image_for_this_engine(modules, put, own, foreign, platforms):
    image = put(*[foreign, "linux/s390x"][:platforms])
    found = modules.run("deployment_pull", images=[image])
    assert found["failed"]
    assert own in found["msg"]
    assert "Build it for that platform" in found["msg"]
