# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.chain import Shown, read_chain
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#: What OpenSSL 3.0 prints.
TOLD = "subject=CN=r.test\nissuer=CN=An authority,O=Ours\nnotAfter=Nov 27 06:39:35 2027 GMT\n"
NAMES = "X509v3 Subject Alternative Name: \n    DNS:r.test, IP Address:192.0.2.1\n"


class Openssl:
    """Answers as OpenSSL does, and remembers what it was asked for."""

    def __init__(self, shown):
        self.shown, self.commands = shown, []

    def __call__(self, args, data=None, **_options):
        self.commands.append(args)
        if args[1] == "s_client":
            return (0, self.shown, "") if self.shown else (1, "", "connect:errno=111")
        return 0, NAMES if "-ext" in args else TOLD, ""


def test_a_chain_is_read_certificate_by_certificate():
    openssl = Openssl(f"CONNECTED(00000003)\n{PEM} 1 s:CN = other\n{PEM}---\n")
    shown = Shown("CN=r.test", "CN=An authority,O=Ours", ("192.0.2.1", "r.test"), datetime(2027, 11, 27, 6, 39, 35))
    assert read_chain(Cli(openssl, "openssl"), "r.test:5000") == [shown, shown]


@pytest.mark.parametrize(
    "host, address, name",
    [
        pytest.param("r.test:5000", "r.test:5000", "r.test", id="with-a-port"),
        pytest.param("r.test", "r.test:443", "r.test", id="without"),
        pytest.param("[2001:db8::1]", "[2001:db8::1]:443", "[2001:db8::1]", id="an-address-of-ipv6"),
    ],
)
def test_where_it_is_asked_for(host, address, name):
    openssl = Openssl("")
    assert read_chain(Cli(openssl, "openssl"), host) == []
    assert openssl.commands == [["openssl", "s_client", "-connect", address, "-servername", name, "-showcerts"]]
