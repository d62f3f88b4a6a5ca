# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry tells before it is used: whether it answers, is trusted and takes the login, and when its certificates end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.chain import Shown, read_chain
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient

#: A certificate that ends in so many days is told of.
WARN_DAYS = 14


@dataclass(frozen=True)
class Probed:
    """What one registry told.

    :param scheme: ``https`` or ``http``; None where it does not answer, is not trusted, or takes no such login.
    :param certificates: what it shows, its own first; none over HTTP, and where only a proxy reaches it.
    :param problems: what stands in the way, or will soon.
    """

    host: str
    scheme: str | None
    certificates: tuple[Shown, ...]
    problems: tuple[str, ...]


def probe(client: RegistryClient, openssl: Cli, host: str, now: datetime, warn_days: int = WARN_DAYS) -> Probed:
    """Ask one registry, as builds and deployments will.

    :param now: in UTC, without a zone.
    :raises MissingPrerequisite: there is no OpenSSL here, and the registry has certificates.
    """
    problems = []
    scheme = None
    try:
        scheme = client.check(host)
    except CollectionError as error:
        problems.append(error.msg)
    certificates = () if scheme == "http" else tuple(read_chain(openssl, host))
    problems += [
        f"The certificate {shown.subject} that {host} shows {shown.how_it_ends(now)}: renew it."
        for shown in certificates
        if shown.is_due(now, warn_days)
    ]
    return Probed(host, scheme, certificates, tuple(problems))
