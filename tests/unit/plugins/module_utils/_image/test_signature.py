# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.signature import (
    Trust,
    explain,
    parse_images,
    parse_trust,
    verify_args,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings

PINNED = f"r.example.com/dify/dify-api@sha256:{'0' * 64}"
REFERENCE = parse_reference(PINNED)
PLAIN = RegistrySettings("r.example.com")
PEM = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"
WHO = {"identity": "a@example.com", "issuer": "https://i.example.com"}
OWN_KEY = ("verify", "--output", "json", "--key", "/k.pub", "--insecure-ignore-tlog=true")


@pytest.mark.parametrize(
    ("options", "settings", "expected"),
    [
        pytest.param({"key": "/k.pub"}, PLAIN, (*OWN_KEY, PINNED), id="key"),
        pytest.param(
            {"key": "/k.pub", "transparency_log": True}, PLAIN, (*OWN_KEY[:-1], PINNED), id="key-and-log"
        ),
        pytest.param(
            {"key": "awskms:///alias/x", "trusted_root": "/root.json"},
            PLAIN,
            (*OWN_KEY[:4], "awskms:///alias/x", "--trusted-root", "/root.json", OWN_KEY[-1], PINNED),
            id="key-of-a-service",
        ),
        pytest.param({"key": PEM}, PLAIN, (*OWN_KEY[:4], "/written.pub", OWN_KEY[-1], PINNED), id="key-as-text"),
        pytest.param(
            WHO,
            PLAIN,
            (
                *OWN_KEY[:3],
                "--certificate-identity", "a@example.com",
                "--certificate-oidc-issuer", "https://i.example.com",
                PINNED,
            ),
            id="identity",
        ),
        pytest.param(
            {"identity_regexp": "a@.*", "issuer_regexp": "https://.*", "transparency_log": True},
            PLAIN,
            (
                *OWN_KEY[:3],
                "--certificate-identity-regexp", "a@.*",
                "--certificate-oidc-issuer-regexp", "https://.*",
                PINNED,
            ),
            id="identities-that-match",
        ),
        pytest.param(
            {"key": "/k.pub"},
            RegistrySettings("r.example.com", ca="/ca.crt", username="ci", password="hunter2"),
            (*OWN_KEY, "--registry-cacert", "/ca.crt", PINNED),
            id="ca-and-no-login",
        ),
        pytest.param(
            {"key": "/k.pub"},
            RegistrySettings("r.example.com", http=True),
            (*OWN_KEY, "--allow-http-registry=true", PINNED),
            id="http",
        ),
        pytest.param(
            {"key": "/k.pub"},
            RegistrySettings("r.example.com", insecure=True),
            (*OWN_KEY, "--allow-insecure-registry=true", PINNED),
            id="insecure",
        ),
    ],
)  # fmt: skip
def test_verify_args(options, settings, expected):
    trust = parse_trust(options)
    assert verify_args(trust, "/written.pub" if trust.key_text else None, settings, REFERENCE) == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({}, "Given are none of them", id="nobody"),
        pytest.param({"key": "/k.pub", **WHO}, "Given are key, identity, issuer", id="both"),
        pytest.param({"identity": "a"}, "one of issuer and issuer_regexp", id="no-issuer"),
        pytest.param({"issuer": "a"}, "Given are issuer", id="no-identity"),
        pytest.param({**WHO, "identity_regexp": "a"}, "one of identity and identity_regexp", id="two-identities"),
        pytest.param({**WHO, "transparency_log": False}, "transparency_log is false", id="no-log"),
    ],
)
def test_nobody_to_trust(options, says):
    with pytest.raises(CollectionError, match=says):
        parse_trust(options)


# As cosign 2.5.0 and 3.1.1 say it.
@pytest.mark.parametrize(
    ("said", "log", "reason"),
    [
        pytest.param(
            "WARNING: Skipping\nError: no signatures found\nerror during command execution: no signatures found\n",
            False,
            "is not signed",
            id="unsigned",
        ),
        pytest.param(
            "Error: no matching signatures: invalid signature when validating ASN.1 encoded signature\nerror during command",
            False,
            "is signed by somebody else than the owner of /k.pub (no matching signatures",
            id="another-key",
        ),
        pytest.param(
            "Error: no matching attestations: failed to verify signature: could not verify envelope: accepted signatures do not "
            "match threshold, Found: 0, Expected 1\n",
            False,
            "is signed by somebody else",
            id="another-key-in-a-bundle",
        ),
        pytest.param(
            "Error: setting trusted material: getting trusted root from TUF for new bundle verification: no such host\n",
            True,
            "transparency_log: false",
            id="no-network",
        ),
        pytest.param(
            "Error: GET https://r.example.com/v2/: x509: certificate signed by unknown authority\n",
            False,
            "cannot be verified: GET https://r.example.com/v2/: x509",
            id="no-trust",
        ),
        pytest.param("", False, "cannot be verified: cosign said nothing", id="silence"),
    ],
)
def test_explain(said, log, reason):
    told = explain(REFERENCE, Trust("/k.pub", {}, log), said)
    assert told.startswith(f"{PINNED} ")
    assert reason in told


def test_only_by_digest():
    assert list(parse_images([PINNED, PINNED])) == [PINNED]
    with pytest.raises(CollectionError, match="a/b:1, which has no digest"):
        parse_images(["a/b:1"])
    with pytest.raises(CollectionError, match="images is empty"):
        parse_images([])
