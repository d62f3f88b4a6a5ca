# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.authorities import authority_files


def pem(content):
    # Of a certificate only that it is a SEQUENCE is looked at.
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'0' + content).decode()}\n-----END CERTIFICATE-----\n"


ROOT, ISSUER = pem(b"root"), pem(b"issuer")


@pytest.mark.parametrize(
    "bundle, contents",
    [
        pytest.param(ROOT, [ROOT], id="one"),
        pytest.param(f"# Root\n{ROOT}\n# Issuer\n{ISSUER}{ROOT}", [ROOT, ISSUER], id="each-once-and-alone"),
    ],
)
def test_a_file_for_each_certificate(bundle, contents):
    assert list(authority_files(bundle).values()) == contents


def test_names_tell_the_bundle():
    assert list(authority_files(ROOT)) == list(authority_files(f"# Comments do not count.\n{ROOT}"))
    assert not set(authority_files(ROOT)) & set(authority_files(ROOT + ISSUER))


def test_what_is_no_bundle_is_refused():
    with pytest.raises(CollectionError, match="build_host_ca_bundle has no certificate"):
        authority_files("-----BEGIN CERTIFICATE REQUEST-----")
