# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images lie in a bucket, whose keys nobody else can read, behind a certificate that was there."""

from __future__ import annotations

import ssl
import urllib.request

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

BASE = "bases/python:3.11-slim-bookworm"


def test_an_image_is_kept_in_the_bucket(where, authority, address):
    source, target = parse_reference(f"{address('registry')}:5000/{BASE}"), parse_reference(f"{where}:5000/bucket:one")
    settings = [RegistrySettings(source.registry, http=True), RegistrySettings(target.registry, authority)]
    client = RegistryClient(settings)
    index = client.get_manifest(source)
    copy_content(client, source, index, target)
    client.put_manifest(target, index)
    child = client.get_manifest(target.with_digest(index.document["manifests"][0]["digest"]))
    assert client.get_config(target, child)["os"] == "linux"
    layer = child.document["layers"][0]["digest"].removeprefix("sha256:")
    with urllib.request.urlopen(
        f"http://{address('bucket')}:5003/images?list-type=2&max-keys=1000", timeout=30
    ) as answer:
        assert f"kept/docker/registry/v2/blobs/sha256/{layer[:2]}/{layer}/data" in answer.read().decode()


def test_only_the_registry_can_read_the_keys(host):
    file = host.file("/etc/docker/registry/config.yml")
    assert (file.user, file.mode) == ("docker-registry", 0o600)
    assert "swordfish" in file.content_string


def test_the_certificate_that_the_file_has_now_is_shown(host, where, name):
    file = "/etc/imagefleet/registry/tls/registry.crt"
    shown = ssl.get_server_certificate((where, 5000), timeout=10)
    assert shown.strip() in host.file(file).content_string
    names = host.check_output(f"openssl x509 -noout -ext subjectAltName -in {file}")
    assert ("renewed.example.test" in names) == (name == "amd64")
