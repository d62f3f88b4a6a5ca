# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Smoke tests where something goes wrong around them: signals, leftovers, platforms nobody runs, images that stay."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.container_test import LABEL, remove_leftovers
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_MANIFEST,
    json_manifest,
    merge_indexes,
    platform_descriptors,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

MODULE = "ansible_collections.imagefleet.dify.plugins.modules.image_smoke_test"
SLEEP = {"name": "it sleeps", "command": ["sleep", "60"]}
RUNS = {"name": "it runs", "command": ["true"]}


@pytest.fixture
def client():
    return RegistryClient()


@pytest.fixture
def engine():
    return EngineClient()


@pytest.fixture
def image(client, registry, prefix):
    """The tiny base in a repository of its own, with its index."""
    base = parse_reference(f"{registry}/bases/busybox:latest")
    target = parse_reference(f"{registry}/{prefix}/image:one")
    index = client.get_manifest(base)
    copy_content(client, base, index, target)
    client.put_manifest(target, index)
    return target, index


def start_module(repository_root, reference, tests, **options):
    """The module in a process of its own."""
    arguments = {"reference": str(reference), "tests": tests, **options}
    environment = {
        **os.environ,
        "PYTHONPATH": str(repository_root / ".collections"),
        "http_proxy": "http://127.0.0.1:9",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        # What a shell starts in the background ignores interrupts, and so would the module.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    process.stdin.close()
    return process


def run_module(repository_root, reference, tests, **options):
    process = start_module(repository_root, reference, tests, **options)
    return json.loads(process.stdout.read())


def containers_of(engine, reference):
    found = engine.client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    return [container for container in found if container.attrs["Config"]["Image"].startswith(reference.name)]


def images_of(engine, reference):
    return engine.client.api.images(name=reference.name)


def amd64_of(reference, index):
    (digest,) = [entry["digest"] for platform, entry in platform_descriptors(index).items() if "amd64" in str(platform)]
    return reference.with_digest(digest)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["terminated", "interrupted"])
def test_a_stopped_run_leaves_nothing(engine, client, image, repository_root, number):
    reference, index = image
    process = start_module(repository_root, reference, [SLEEP], platforms=["linux/amd64"])
    deadline = time.monotonic() + 60
    while not any(container.status == "running" for container in containers_of(engine, reference)):
        assert time.monotonic() < deadline, "no container was started"
        time.sleep(0.1)
    process.send_signal(number)
    result = json.loads(process.stdout.read())
    assert result["failed"]
    assert "were stopped by a signal" in result["msg"]
    assert containers_of(engine, reference) == []
    assert images_of(engine, reference) == []
    assert client.list_tags(reference) == ["one"]


def test_what_a_killed_run_left_is_removed_when_it_is_old(engine, image):
    reference, index = image
    name = str(amd64_of(reference, index))
    engine.client.images.pull(reference.name, tag=amd64_of(reference, index).digest)
    try:
        now = int(time.time())
        for age in (10, 3700):
            engine.client.containers.create(name, ["true"], labels={LABEL: str(now - age)})
        assert remove_leftovers(engine, now) >= 1
        (kept,) = containers_of(engine, reference)
        assert kept.labels[LABEL] == str(now - 10)
    finally:
        for container in containers_of(engine, reference):
            container.remove(force=True)
        engine.remove_image(name)


@pytest.mark.parametrize("keep", [False, True], ids=["removed", "kept"])
def test_an_image_that_was_not_there(engine, image, repository_root, keep):
    reference, index = image
    result = run_module(repository_root, reference, [RUNS], platforms=["linux/amd64"], keep_image=keep)
    assert result["changed"]
    try:
        assert bool(images_of(engine, reference)) is keep
    finally:
        engine.remove_image(str(amd64_of(reference, index)))


def test_an_image_that_was_there_stays_with_its_tag(engine, image, repository_root):
    reference, _index = image
    engine.client.images.pull(reference.name, tag=reference.tag, platform="linux/amd64")
    try:
        assert run_module(repository_root, reference, [RUNS], platforms=["linux/amd64"])["changed"]
        assert engine.find_image(str(reference)) is not None
        assert b"here" in engine.client.containers.run(str(reference), ["echo", "here"], remove=True)
    finally:
        engine.remove_image(str(reference))


def test_http_goes_past_any_proxy(image, repository_root):
    reference, _index = image
    serve = {
        "name": "it serves",
        "command": ["sh", "-c", "mkdir -p /w/d && echo hello > /w/index.html && httpd -f -p 80 -h /w"],
        "http": {"port": 80, "body": "^hello"},
    }
    moved = {**serve, "name": "it redirects", "http": {"port": 80, "path": "/d", "status": 302}}
    result = run_module(repository_root, reference, [serve, moved], platforms=["linux/amd64"])
    assert result["changed"], result["msg"]


def foreign_layer():
    """A layer with a program for an architecture that no test registers an emulator for: a header and nothing else."""
    program = (
        b"\x7fELF"
        + bytes([2, 1, 1])
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 8, 1, 0, 0, 0, 0, 64, 56, 0, 0, 0, 0)
    )
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        member = tarfile.TarInfo("program")
        member.size, member.mode = len(program), 0o755
        archive.addfile(member, io.BytesIO(program))
    return layer.getvalue()


def put_foreign_image(client, reference, index):
    """The image with one more platform, mips64le; its index."""
    layer = foreign_layer()
    config = {
        "os": "linux",
        "architecture": "mips64le",
        "config": {"Cmd": ["/program"]},
        "rootfs": {"type": "layers", "diff_ids": [client.put_blob(reference, layer, "x")["digest"]]},
    }
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": client.put_blob(reference, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [
            client.put_blob(reference, gzip.compress(layer, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
        ],
    }
    manifest = json_manifest(document)
    client.put_manifest(reference.with_digest(manifest.digest), manifest)
    entry = {**manifest.descriptor(), "platform": {"os": "linux", "architecture": "mips64le"}}
    foreign = merge_indexes([], {}, [entry, *index.document["manifests"]])
    client.put_manifest(reference.with_tag("foreign"), foreign)
    return reference.with_tag("foreign")


def test_a_platform_that_cannot_be_run_hides_no_other(engine, client, image, repository_root):
    reference, index = image
    foreign = put_foreign_image(client, reference, index)
    tests = [{"name": "its program", "elf": "auto"}, {"name": "it starts"}]
    result = run_module(repository_root, foreign, tests, platforms=["linux/mips64le", "linux/amd64"])
    assert result["failed"]
    assert result["changed"]
    amd64, mips = result["platforms"]
    assert (amd64["platform"], amd64["passed"]) == ("linux/amd64", True)
    assert (mips["platform"], mips["passed"], mips["emulated"]) == ("linux/mips64le", False, True)
    (failure,) = mips["failures"]
    assert "it starts" in failure
    assert "no emulator runs programs of this platform: register one with binfmt" in failure
    assert client.find_digest(reference.with_tag(amd64["record"])) == amd64["digest"]
    assert client.find_digest(reference.with_tag(mips["record"])) is None
    assert containers_of(engine, reference) == []
    assert images_of(engine, reference) == []


def test_a_platform_that_cannot_be_pulled_hides_no_other(client, image, repository_root):
    reference, index = image
    config = client.put_blob(
        reference, b'{"os":"linux","architecture":"arm64"}', "application/vnd.oci.image.config.v1+json"
    )
    layer = client.put_blob(reference, b"no archive", "application/vnd.oci.image.layer.v1.tar+gzip")
    broken = json_manifest({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]})
    client.put_manifest(reference.with_digest(broken.digest), broken)
    (amd64,) = [entry for platform, entry in platform_descriptors(index).items() if "amd64" in str(platform)]
    entry = {**broken.descriptor(), "platform": {"os": "linux", "architecture": "arm64"}}
    client.put_manifest(reference.with_tag("broken"), merge_indexes([], {}, [entry, amd64]))
    result = run_module(repository_root, reference.with_tag("broken"), [RUNS])
    assert result["failed"]
    assert {found["platform"]: found["passed"] for found in result["platforms"]} == {
        "linux/amd64": True,
        "linux/arm64": False,
    }
    assert "The engine cannot pull" in result["msg"]
