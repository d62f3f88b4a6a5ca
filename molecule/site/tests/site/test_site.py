# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was built on the fleet lies in the fleet's registry, and runs on both hosts, each with the platform that it is."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request

import pytest

REGISTRY_HOST = "amd64"
VERSION = "0.15.90"
#: Where registry_trust_file says that hosts have its authority.
TRUSTED = "/srv/trust/fleet.crt"


def test_dify_answers(name, address):
    with urllib.request.urlopen(f"http://{address(name)}:8080/health", timeout=60) as answer:
        assert json.load(answer)["version"] == VERSION


def test_what_runs_is_healthy_and_of_the_fleets_registry(containers, address):
    for service in ("api", "worker", "web"):
        assert containers[service]["State"]["Health"]["Status"] == "healthy"
        assert containers[service]["Config"]["Image"].startswith(f"{address(REGISTRY_HOST)}:5000/fleet/dify-")
        assert "@sha256:" in containers[service]["Config"]["Image"]


def test_every_image_is_for_the_host(host, name, containers):
    images = " ".join(sorted({container["Image"] for container in containers.values()}))
    found = json.loads(host.check_output(f"docker image inspect {images}"))
    assert {image["Architecture"] for image in found} == {name}


def test_the_registry_is_trusted_by_its_authority_and_lets_no_stranger_in(host, address):
    where = f"https://{address(REGISTRY_HOST)}:5000/v2/"
    with pytest.raises(urllib.error.URLError) as failure:
        urllib.request.urlopen(where, timeout=10)
    assert isinstance(failure.value.reason, ssl.SSLCertVerificationError)
    authority = host.file(TRUSTED).content_string
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(where, timeout=10, context=ssl.create_default_context(cadata=authority))
