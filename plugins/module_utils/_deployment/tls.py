# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How upstream's nginx is told to answer over TLS. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Collection, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: Where nginx has certificates from, below ``docker/``.
CERTIFICATES = "nginx/ssl"
_ENABLED = "NGINX_HTTPS_ENABLED"
_CERTIFICATE = "NGINX_SSL_CERT_FILENAME"
_KEY = "NGINX_SSL_CERT_KEY_FILENAME"


@dataclass(frozen=True)
class Tls:
    """Files on the host: a certificate with those that lead to its authority, and its private key."""

    certificate: str
    key: str


def tls_values(tls: Tls | None, known: Collection[str]) -> dict[str, str]:
    """What has to be in the environment.

    :param known: the variables that the release knows.
    :raises CollectionError: it does not know TLS.
    """
    if tls is None:
        return {}
    if _ENABLED not in known:
        raise CollectionError(
            f"This version does not know {_ENABLED}, so its nginx cannot answer over TLS. Leave tls out, and put a proxy of your "
            "own in front."
        )
    return {_ENABLED: "true"}


def check_tls(tls: Tls | None, values: Mapping[str, str]) -> None:
    """:raises CollectionError: nginx is told to answer over TLS and has no certificate."""
    by_certbot = values.get("NGINX_ENABLE_CERTBOT_CHALLENGE", "").lower() == "true"
    if tls is None and values.get(_ENABLED, "").lower() == "true" and not by_certbot:
        raise CollectionError(
            f"{_ENABLED} is true, and nginx has no certificate. Give one by tls, which sets {_ENABLED} as well, or leave it out."
        )


def certificate_files(tls: Tls, values: Mapping[str, str]) -> dict[str, str]:
    """By the name that nginx wants in :data:`CERTIFICATES`, the file on the host.

    :raises CollectionError: such a name is a path.
    """
    found = {}
    for variable, default, source in ((_CERTIFICATE, "dify.crt", tls.certificate), (_KEY, "dify.key", tls.key)):
        name = values.get(variable) or default
        if os.path.basename(name) != name or name in (".", ".."):
            raise CollectionError(f"{variable} is {name!r}, and must be a file's name without a folder.")
        found[name] = source
    if len(found) == 1:
        raise CollectionError(f"{_CERTIFICATE} and {_KEY} are both {values[_KEY]}. Give each file a name of its own.")
    return found
