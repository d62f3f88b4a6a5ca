# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import parse_instance
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.buildkitd_config import (
    certificate_paths,
    recorded_config,
    staged_files,
    wanted_config,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.toml import parse_toml, render_toml

RECORD = Path(__file__).parent / "fixtures" / "instance_docker_container_0.29.1.json"
FILES = parse_instance(RECORD.read_text(encoding="utf-8"), "local").nodes[0].files
CA, CERT, KEY = (FILES[f"certs/reg.local_5000/{name}"] for name in ("ca.crt", "c.pem", "k.pem"))
CONTENTS = {"/tls/ca.crt": CA, "/tls/c.pem": CERT, "/tls/k.pem": KEY}
REGISTRY = {"ca": ["/tls/ca.crt"], "http": True, "keypair": [{"key": "/tls/k.pem", "cert": "/tls/c.pem"}]}


def declared_as_recorded() -> dict:
    """What a user had to write to get the recorded configuration."""
    document = parse_toml(FILES["buildkitd.toml"].decode())
    document["registry"]["reg.local:5000"] = REGISTRY
    return document


def test_certificate_paths():
    config = {"registry": {"a": {**REGISTRY}, "b": {"ca": ["/other", "/tls/ca.crt"]}, "c": None}, "debug": True}
    assert certificate_paths(config) == ("/tls/ca.crt", "/tls/k.pem", "/tls/c.pem", "/other")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"registry": "a"}, id="registry-that-is-none"),
        pytest.param({"registry": {"a": {"ca": "/x"}}}, id="ca-that-is-no-list"),
    ],
)
def test_no_certificates(config):
    assert certificate_paths(config) == ()


def test_recorded_equals_declared():
    assert wanted_config(declared_as_recorded(), CONTENTS) == recorded_config(FILES)


def test_another_certificate_is_a_difference():
    assert wanted_config(declared_as_recorded(), {**CONTENTS, "/tls/ca.crt": b"new"}) != recorded_config(FILES)


def test_comparable_form_holds_digests_and_no_content():
    shown = recorded_config(FILES)["registry"]["reg.local:5000"]
    assert shown["keypair"][0]["key"] == f"k.pem sha256:{hashlib.sha256(KEY).hexdigest()}"
    assert KEY.decode().strip() not in json.dumps(shown).replace('"key"', "").replace("keypair", "")


def test_no_record_is_an_empty_configuration():
    assert recorded_config({}) == {} == wanted_config({}, {})


def test_a_declared_configuration_names_its_certificates_where_they_are():
    staged = staged_files({"buildkitd.toml": render_toml({"registry": {"a": REGISTRY}}).encode()}, "/f/n")
    assert list(staged) == ["/f/n/buildkitd.toml"]
    assert parse_toml(staged["/f/n/buildkitd.toml"].decode()) == {"registry": {"a": REGISTRY}}


def test_a_recorded_configuration_brings_its_certificates():
    staged = staged_files(FILES, "/f/n")
    folder = "/f/n/certs/reg.local_5000"
    registry = parse_toml(staged["/f/n/buildkitd.toml"].decode())["registry"]["reg.local:5000"]
    assert registry["ca"] == [f"{folder}/ca.crt"]
    assert registry["keypair"] == [{"cert": f"{folder}/c.pem", "key": f"{folder}/k.pem"}]
    assert (staged[f"{folder}/ca.crt"], staged[f"{folder}/k.pem"]) == (CA, KEY)
