# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from ansible_collections.imagefleet.dify.plugins.doc_fragments.registries import ModuleDocFragment
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import referred_blobs, referred_manifests
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    json_manifest,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import uses_tls


@pytest.mark.parametrize(
    "settings, tls",
    [
        pytest.param(RegistrySettings("registry.example.com"), True, id="a-registry"),
        pytest.param(RegistrySettings("registry.example.com", insecure=True), True, id="insecure-is-tls-still"),
        pytest.param(RegistrySettings("registry.example.com", http=True), False, id="http"),
        pytest.param(RegistrySettings("localhost:5000"), False, id="loopback"),
        pytest.param(RegistrySettings("127.0.0.2:5000"), False, id="another-loopback-address"),
        pytest.param(RegistrySettings("[::1]:5000"), False, id="loopback-of-ipv6"),
        pytest.param(RegistrySettings("localhost:5000", ca="/ca.crt"), True, id="loopback-with-a-ca"),
        pytest.param(RegistrySettings("localhost.example.com"), True, id="a-name-that-starts-like-loopback"),
    ],
)
def test_tls(settings, tls):
    assert uses_tls(settings) is tls


def test_settings_from_a_task():
    entry = {
        "host": "a.example.com",
        "ca": "/ca.crt",
        "insecure": False,
        "http": False,
        "username": "me",
        "password": "mine",
        "mirrors_of": ["docker.io"],
    }
    client = registry_client({"registries": [entry], "docker_config": "/config"})
    assert client.settings_of("a.example.com") == RegistrySettings(
        "a.example.com", ca="/ca.crt", username="me", password="mine", mirrors_of=("docker.io",)
    )
    assert client.settings_of("b.example.com") == RegistrySettings("b.example.com")
    assert client.docker_config == "/config"


def test_two_entries_for_one_host():
    with pytest.raises(CollectionError, match="more than one entry for a"):
        registry_client({"registries": [{"host": "a"}, {"host": "b"}, {"host": "a"}], "docker_config": None})


def test_the_fragment_documents_the_options():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    specified = REGISTRIES_SPEC.options
    assert set(documented) == set(specified)
    suboptions, options = documented["registries"]["suboptions"], specified["registries"]["options"]
    assert set(suboptions) == set(options)
    for name, option in options.items():
        for key in ("type", "default", "required", "elements"):
            assert suboptions[name].get(key) == option.get(key), f"{name}: {key}"
    assert options["password"]["no_log"]


def test_what_an_index_refers_to():
    index = json_manifest({"mediaType": OCI_INDEX, "manifests": [{"digest": "b"}, {"digest": "a"}, {"digest": "b"}]})
    assert referred_manifests(index) == ["b", "a"]
    assert referred_blobs(index) == []


def test_what_a_manifest_refers_to():
    layers = [{"digest": "one"}, {"digest": "two"}, {"digest": "one"}, {"digest": "foreign", "urls": ["https://x"]}]
    manifest = json_manifest({"mediaType": OCI_MANIFEST, "config": {"digest": "config"}, "layers": layers})
    assert referred_blobs(manifest) == ["one", "two", "config"]
    assert referred_manifests(manifest) == []
