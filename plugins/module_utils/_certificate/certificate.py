# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a certificate is to be, and why one that is there has to be made again. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

USAGES = {"server": "serverAuth", "client": "clientAuth"}


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    :param names: host names and addresses that it is for.
    :param usage: of :data:`USAGES`.
    :param days, ca_days: how long a new one, or a new authority, is valid.
    :param renew_before: days before its end at which it is made again.
    """

    names: Sequence[str]
    usage: str
    ca_name: str
    days: int
    ca_days: int
    renew_before: int


@dataclass(frozen=True)
class Certificate:
    """A certificate that was found.

    :param names: host names and addresses that it is for, sorted.
    :param fits_key: whether the private key beside it is its own.
    :param signed: whether the authority that is there signed it; true for an authority of its own.
    :param usages: of :data:`USAGES`.
    """

    names: tuple[str, ...]
    ends: datetime
    fits_key: bool
    signed: bool = True
    usages: tuple[str, ...] = ()


def check_wanted(wanted: Wanted) -> None:
    """:raises CollectionError: it cannot be: no names, a name with characters that none has, or it would be renewed at once."""
    if not wanted.names:
        raise CollectionError("names is empty. Name the hosts that the certificate is for.")
    for name in wanted.names:
        if _address(name) is None and not _is_host_name(name):
            raise CollectionError(f"{name!r} in names is neither a host name nor an address.")
    for option, days in (("days", wanted.days), ("ca_days", wanted.ca_days)):
        if not 0 < days <= 36500:
            raise CollectionError(f"{option} is {days}, and must be between 1 and 36500.")
        if not 0 <= wanted.renew_before < days:
            raise CollectionError(
                f"renew_before is {wanted.renew_before} and {option} is {days}: the certificate would be made anew in each run. "
                f"Let renew_before be 0 or more, and less than {option}."
            )


def authority_reasons(found: Certificate | None, wanted: Wanted, now: datetime) -> list[str]:
    """Why the authority's certificate has to be made; it keeps its key, and what it signed stays valid."""
    if found is None:
        return ["there is no authority"]
    if found.ends <= now + timedelta(days=wanted.renew_before):
        return [f"the authority ends on {_day(found.ends)}"]
    return []


def reasons(found: Certificate | None, wanted: Wanted, now: datetime) -> list[str]:
    """Why the certificate has to be made; none when it is as wanted."""
    if found is None:
        return ["there is no certificate"]
    told = []
    if not found.fits_key:
        told.append("its key is not the one that is there")
    if not found.signed:
        told.append("the authority did not sign it")
    missing = sorted(_plain(wanted.names) - set(found.names))
    more = sorted(set(found.names) - _plain(wanted.names))
    told += [f"it is not for {name}" for name in missing] + [f"it is for {name}, which is not wanted" for name in more]
    if wanted.usage not in found.usages:
        told.append(f"it is not for a {wanted.usage}")
    if found.ends <= now + timedelta(days=wanted.renew_before):
        told.append(f"it ends on {_day(found.ends)}")
    return told


def request_configuration(name: str) -> str:
    """OpenSSL's configuration for a request by that name, independent of the system's own."""
    return f"[req]\nprompt = no\nutf8 = yes\nstring_mask = utf8only\ndistinguished_name = name\n[name]\nCN = {name}\n"


def authority_configuration(name: str) -> str:
    """The same for a certificate that signs itself and others."""
    return (
        f"{request_configuration(name)}[authority]\nbasicConstraints = critical, CA:true, pathlen:0\n"
        "keyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n"
    )


def certificate_extensions(wanted: Wanted) -> str:
    """OpenSSL's extensions of a certificate for those names."""
    names = [f"IP:{name}" if _address(name) else f"DNS:{name}" for name in sorted(_plain(wanted.names))]
    return (
        "basicConstraints = critical, CA:false\nkeyUsage = critical, digitalSignature\n"
        f"extendedKeyUsage = {USAGES[wanted.usage]}\nsubjectAltName = {', '.join(names)}\n"
        "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
    )


def parse_names(text: str) -> tuple[str, ...]:
    """The names in what ``openssl x509 -ext subjectAltName`` prints."""
    found = set()
    for part in text.replace("\n", ",").split(","):
        kind, _colon, value = part.strip().partition(":")
        if kind == "DNS":
            found.add(value)
        elif kind == "IP Address":
            found.add(str(ipaddress.ip_address(value)))
    return tuple(sorted(found))


def parse_end(text: str) -> datetime:
    """The time in ``notAfter=Nov 27 06:39:35 2026 GMT``, without a zone: it is UTC."""
    return datetime.strptime(text.strip().partition("=")[2], "%b %d %H:%M:%S %Y %Z")


def _plain(names: Sequence[str]) -> set[str]:
    return {_address(name) or name.lower() for name in names}


def _address(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None


def _is_host_name(name: str) -> bool:
    labels = (name[2:] if name.startswith("*.") else name).split(".")
    return len(name) < 254 and all(
        0 < len(label) < 64 and label.isascii() and label.replace("-", "").replace("_", "").isalnum()
        for label in labels
    )


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")
