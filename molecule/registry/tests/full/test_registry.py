# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets what from a registry with certificate, users, a cache, collected garbage and backups."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import threading
import time
import urllib.error
import urllib.request

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_CONFIG,
    OCI_MANIFEST,
    json_manifest,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference

BASE = "bases/python:3.11-slim-bookworm"
STORAGE = "/var/lib/docker-registry"
UNITS = ("docker-registry", "imagefleet-registry-front", "imagefleet-registry-cache@upstream.test")


def push(client, where, repository, text):
    """A small image of one blob, pushed as clients push: blobs, then the manifest by tag."""
    reference = parse_reference(f"{where}:5000/{repository}:{hashlib.sha256(text.encode()).hexdigest()[:12]}")
    config = client.put_blob(
        reference, json.dumps({"architecture": "amd64", "os": "linux", "text": text}).encode(), OCI_CONFIG
    )
    layer = client.put_blob(reference, text.encode() * 1000, "application/vnd.oci.image.layer.v1.tar")
    client.put_manifest(
        reference,
        json_manifest({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}),
    )
    return reference


def push_on(client, where, repository, pushed, faults, stop):
    """One image after the other. One whose blobs are collected before its manifest comes is begun again."""
    while not stop.is_set():
        text = os.urandom(8).hex()
        for _attempt in range(3):
            try:
                pushed.append(push(client, where, repository, text))
                break
            except CollectionError as error:
                if "BLOB_UNKNOWN" not in str(error):
                    faults.append(str(error))
                    return
        else:
            faults.append(f"{text}: three times its blobs were gone")


def is_whole(client, reference):
    manifest = client.get_manifest(reference)
    return [
        client.get_blob(reference, part["digest"])
        for part in (manifest.document["config"], *manifest.document["layers"])
    ]


def assert_index_is_whole(client, reference):
    """Its images, attestations included, have no tag of their own, and are there with their configurations."""
    children = client.get_manifest(reference).document["manifests"]
    assert children
    for child in children:
        image = reference.with_digest(child["digest"])
        assert client.get_config(image, client.get_manifest(image))


def test_services_run_and_start_again_at_boot(host, composed):
    for unit in () if composed else UNITS:
        assert host.service(unit).is_running
        assert host.service(unit).is_enabled
    for job in ("garbage-collection", "backup"):
        assert host.service(f"imagefleet-registry-{job}.timer").is_enabled
    assert host.check_output("systemctl is-system-running") == "running"


def test_only_nginx_is_to_be_reached(host, caches):
    listening = [line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines()]
    # An engine has a port on loopback.
    assert {port for address, _colon, port in listening if address != "127.0.0.1"} == {
        "5000",
        *map(str, caches.values()),
    }


def test_its_certificate_is_trusted_by_its_authority_alone(where, ask):
    assert ask("GET", "/v2/").status == 401
    with pytest.raises(urllib.error.URLError) as failure:
        urllib.request.urlopen(f"https://{where}:5000/v2/", timeout=10)
    assert isinstance(failure.value.reason, ssl.SSLCertVerificationError)


@pytest.mark.parametrize(
    "method, user, password, status",
    [
        pytest.param("GET", None, None, 401, id="nobody-reads"),
        pytest.param("GET", "dify", None, 200, id="a-reader-reads"),
        pytest.param("GET", "dify", "another", 401, id="another-password"),
        pytest.param("POST", None, None, 401, id="nobody-writes"),
        pytest.param("POST", "dify", None, 403, id="a-reader-writes"),
        pytest.param("POST", "ci", "another", 401, id="a-writer-with-another-password"),
        pytest.param("POST", "ci", None, 202, id="a-writer-writes"),
        pytest.param("DELETE", "dify", None, 403, id="a-reader-deletes"),
    ],
)
def test_users(ask, method, user, password, status):
    path = {"GET": "/v2/", "POST": "/v2/users/blobs/uploads/", "DELETE": f"/v2/users/manifests/sha256:{'0' * 64}"}[
        method
    ]
    answer = ask(method, path, user, password)
    assert answer.status == status
    if status == 403:
        assert json.loads(answer.body)["errors"][0]["code"] == "DENIED"


def test_passwords_are_hashed_and_for_nginx_alone(host):
    file = host.file("/etc/imagefleet/registry/users.htpasswd")
    assert (file.mode, file.group) == (0o640, "docker-registry")
    assert [line.split(":")[1][:7] for line in file.content_string.splitlines()] == ["$2y$08$"] * 2


def test_an_image_that_a_writer_pushes_is_what_a_reader_pulls(client, where, address):
    source, target = parse_reference(f"{address('registry')}:5000/{BASE}"), parse_reference(f"{where}:5000/copied:one")
    writer = client("ci")
    index = writer.get_manifest(source)
    copy_content(writer, source, index, target)
    writer.put_manifest(target, index)
    reader = client("dify")
    assert reader.get_manifest(target).digest == index.digest
    with pytest.raises(CollectionError, match="may not do that"):
        reader.put_manifest(target, index)


def test_the_cache_keeps_what_is_pulled_through_it(host, client, where, address, cache_folder):
    through = parse_reference(f"{where}:5001/{BASE}")
    reader = client("dify")
    index = reader.get_manifest(through)
    assert index.digest == reader.find_digest(parse_reference(f"{address('registry')}:5000/{BASE}"))
    child = reader.get_manifest(through.with_digest(index.document["manifests"][0]["digest"]))
    reader.get_config(through, child)
    config = child.document["config"]["digest"].removeprefix("sha256:")
    kept = f"{cache_folder}/docker/registry/v2/blobs/sha256/{config[:2]}/{config}/data"
    end = time.monotonic() + 30
    while not host.file(kept).exists and time.monotonic() < end:
        time.sleep(0.5)
    assert host.file(kept).exists
    with pytest.raises(CollectionError, match="does not allow that|405|UNSUPPORTED"):
        client("ci").put_manifest(parse_reference(f"{where}:5001/pushed:one"), child)


def test_garbage_is_collected_under_pushes(host, client, where, ask, job, read_only):
    """Whoever pushes meanwhile waits, or begins again, and what was pushed is whole; what nobody has goes."""
    writer = client("ci")
    orphan = parse_reference(f"{where}:5000/garbage:none")
    digest = writer.put_blob(orphan, os.urandom(100000), "application/octet-stream")["digest"]
    pushed, faults, stop = [], [], threading.Event()
    threads = [
        threading.Thread(target=push_on, args=(client("ci"), where, f"pushed/{number}", pushed, faults, stop))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    reports = []
    for number in range(3):
        reports.append(job("garbage-collection"))
        end = time.monotonic() + 120
        while len(pushed) < 3 * number + 3 and time.monotonic() < end:
            time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(pushed) >= 9
    for reference in pushed:
        assert is_whole(client("dify"), reference)
    assert_index_is_whole(client("dify"), parse_reference(f"{where}:5000/copied:one"))
    assert reports[0]["removed_blobs"] >= 1
    assert ask("HEAD", f"/v2/garbage/blobs/{digest}", "dify").status == 404
    assert not host.file(read_only).exists


def test_a_collection_leaves_containers_to_start_at_boot(host, composed):
    """The engine remembers which were stopped by hand, and takes those that it sent a signal for such."""
    if composed:
        stopped = host.run("grep -l HasBeenManuallyStopped.:true /var/lib/docker/containers/*/config.v2.json")
        # None is; status 2 would be: there are no such files.
        assert (stopped.rc, stopped.stdout) == (1, "")


def test_while_garbage_is_collected_it_is_read_and_not_written(host, ask, read_only):
    host.check_output(f"touch {read_only}")
    try:
        assert ask("GET", "/v2/", "dify").status == 200
        answer = ask("POST", "/v2/users/blobs/uploads/", "ci")
    finally:
        host.check_output(f"rm {read_only}")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert json.loads(answer.body)["errors"][0]["code"] == "UNAVAILABLE"


def test_a_collection_that_is_killed_lets_writers_in_again(host, ask, read_only):
    host.check_output("systemctl start --no-block imagefleet-registry-garbage-collection.service")
    host.run("systemctl kill --signal=KILL imagefleet-registry-garbage-collection.service")
    end = time.monotonic() + 60
    while host.run("systemctl is-active imagefleet-registry-garbage-collection.service").stdout.strip() == "activating":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert not host.file(read_only).exists
    assert ask("POST", "/v2/users/blobs/uploads/", "ci").status == 202
    host.run("systemctl reset-failed")


def test_a_backup_is_put_back(host, client, where, job, control):
    writer = client("ci")
    kept = push(writer, where, "backup", "before the backup")
    first = job("backup")["backup"]
    second = job("backup")["backup"]
    data = host.check_output(f"find {first} -name data -path '*blobs*' -links +1 | head -1")
    assert data, "a second backup holds what the first has, by links"
    third = job("backup")
    assert third["removed"] == [first]
    assert not host.file(first).exists
    lost = push(writer, where, "backup", "after the backup")
    control("stop")
    host.check_output(f"rm -r {STORAGE}/docker")
    host.check_output(f"cp -a {second}/docker {STORAGE}/")
    control("start")
    reader = client("dify")
    end = time.monotonic() + 60
    while True:
        try:
            assert is_whole(reader, kept)
            break
        except CollectionError:
            assert time.monotonic() < end
            time.sleep(1)
    assert reader.find_manifest(lost) is None
