# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates that a server shows, as OpenSSL reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.certificate import parse_end, parse_names
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import rfc3339

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A certificate of a chain.

    :param names: host names and addresses that it is for, sorted. An authority has none.
    :param ends: in UTC, without a zone.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    ends: datetime

    @property
    def end(self) -> str:
        """Its end as it is written, in messages and results."""
        return rfc3339(self.ends)

    def is_due(self, now: datetime, warn_days: int) -> bool:
        """Whether it ends in less than so many days, or has ended."""
        return (self.ends - now).days < warn_days

    def how_it_ends(self, now: datetime) -> str:
        """When it ends, or that it has ended, as the end of a sentence."""
        return f"{'has ended' if self.ends < now else 'ends'} on {self.end}"


def read_chain(openssl: Cli, host: str) -> list[Shown]:
    """What a server shows, its own certificate first; nothing where it does not speak TLS, or not directly to this host.

    :param host: with or without a port, 443 then.
    """
    name, _colon, port = host.partition(":") if host.count(":") == 1 else (host, "", "")
    address = f"{name}:{port or 443}"
    done = openssl.run("s_client", "-connect", address, "-servername", name, "-showcerts", stdin="", check=False)
    return [_read(openssl, text) for text in _PEM.findall(done.stdout)]


def read_shown(openssl: Cli, path: str) -> Shown:
    """The first certificate of a file.

    :raises CollectionError: it cannot be read.
    """
    try:
        return _read(openssl, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"The certificate {path} cannot be read: {error}.") from error


def _read(openssl: Cli, text: str) -> Shown:
    fields = ("-subject", "-issuer", "-enddate", "-nameopt", "RFC2253")
    lines = openssl.run("x509", "-noout", *fields, stdin=text).stdout.splitlines()
    told = {line.partition("=")[0]: line for line in lines}
    names = openssl.run("x509", "-noout", "-ext", "subjectAltName", stdin=text, check=False).stdout
    return Shown(
        told["subject"].partition("=")[2].strip(),
        told["issuer"].partition("=")[2].strip(),
        parse_names(names),
        parse_end(told["notAfter"]),
    )
