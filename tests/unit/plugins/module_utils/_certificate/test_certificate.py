# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.certificate import (
    Certificate,
    Wanted,
    authority_configuration,
    authority_reasons,
    certificate_extensions,
    check_wanted,
    parse_end,
    parse_names,
    reasons,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

NOW = datetime(2026, 11, 27, 12)
WANTED = Wanted(["b.example.com", "192.0.2.1"], "server", "ours", days=365, ca_days=3650, renew_before=30)
FOUND = Certificate(("192.0.2.1", "b.example.com"), NOW + timedelta(days=200), True, True, ("server",))


@pytest.mark.parametrize(
    "found, wanted, told",
    [
        pytest.param(FOUND, WANTED, [], id="as-wanted"),
        pytest.param(FOUND, replace(WANTED, names=["192.0.2.1", "B.Example.com"]), [], id="another-order-and-case"),
        pytest.param(None, WANTED, ["there is no certificate"], id="none"),
        pytest.param(replace(FOUND, fits_key=False), WANTED, ["its key is not the one that is there"], id="key"),
        pytest.param(replace(FOUND, signed=False), WANTED, ["the authority did not sign it"], id="authority"),
        pytest.param(
            replace(FOUND, names=("a.example.com", "b.example.com")),
            WANTED,
            ["it is not for 192.0.2.1", "it is for a.example.com, which is not wanted"],
            id="names",
        ),
        pytest.param(FOUND, replace(WANTED, usage="client"), ["it is not for a client"], id="usage"),
        pytest.param(replace(FOUND, ends=NOW + timedelta(days=30)), WANTED, ["it ends on 2026-12-27"], id="ends-soon"),
        pytest.param(replace(FOUND, ends=NOW + timedelta(days=31)), WANTED, [], id="ends-later"),
        pytest.param(replace(FOUND, ends=NOW - timedelta(days=1)), WANTED, ["it ends on 2026-11-26"], id="ended"),
        pytest.param(replace(FOUND, names=("2001:db8::1",)), replace(WANTED, names=["2001:DB8:0::1"]), [], id="ipv6"),
    ],
)
def test_reasons(found, wanted, told):
    assert reasons(found, wanted, NOW) == told


def test_authority_is_renewed_before_it_ends():
    assert authority_reasons(None, WANTED, NOW) == ["there is no authority"]
    assert authority_reasons(replace(FOUND, names=()), WANTED, NOW) == []
    soon = replace(FOUND, ends=NOW + timedelta(days=29))
    assert authority_reasons(soon, WANTED, NOW) == ["the authority ends on 2026-12-26"]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"names": []}, "names is empty"),
        ({"names": ["a b"]}, "'a b' in names is neither a host name nor an address"),
        ({"names": ["a,DNS:b"]}, "neither a host name"),
        ({"names": ["a\nb"]}, "neither a host name"),
        ({"names": [""]}, "neither a host name"),
        ({"names": ["a" * 64]}, "neither a host name"),
        ({"days": 0}, "days is 0, and must be between 1 and 36500"),
        ({"ca_days": 99999}, "ca_days is 99999"),
        ({"days": 30}, "renew_before is 30 and days is 30: the certificate would be made anew in each run"),
        ({"ca_days": 7}, "renew_before is 30 and ca_days is 7"),
        ({"renew_before": -1}, "renew_before is -1"),
    ],
)
def test_what_cannot_be(changes, message):
    with pytest.raises(CollectionError, match=message):
        check_wanted(replace(WANTED, **changes))


@pytest.mark.parametrize("name", ["a", "*.example.com", "a-b.example.com", "under_score", "10.0.0.1", "::1"])
def test_names_that_are(name):
    check_wanted(replace(WANTED, names=[name]))


def test_what_openssl_is_given():
    extensions = certificate_extensions(WANTED)
    assert "subjectAltName = IP:192.0.2.1, DNS:b.example.com\n" in extensions
    assert "extendedKeyUsage = serverAuth\n" in extensions
    assert "CA:false" in extensions
    assert "CN = ours\n" in authority_configuration("ours")
    assert "CA:true" in authority_configuration("ours")


def test_what_openssl_prints():
    printed = "X509v3 Subject Alternative Name: \n    DNS:b.example.com, IP Address:2001:DB8:0:0:0:0:0:1, DNS:a\n"
    assert parse_names(printed) == ("2001:db8::1", "a", "b.example.com")
    assert parse_names("No extensions in certificate\n") == ()
    assert parse_end("notAfter=Nov  7 06:39:35 2026 GMT\n") == datetime(2026, 11, 7, 6, 39, 35)
