# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a remote node that listens does not let a client in: buildx says of it only that it is inactive."""

from __future__ import annotations

import socket
import ssl
from typing import Mapping
from urllib.parse import urlsplit

#: How long a node has for each part of a greeting.
_SECONDS = 3.0
_CLOCK = "The clock of one of the two is off, or the certificate is to be renewed: the provision playbook does that"


def why_untrusted(endpoint: str | None, options: Mapping[str, str]) -> str | None:
    """The reason in one sentence without its full stop; None where the two trust each other, or none of it was reached.

    :param options: of the node, as buildx records them: ``cacert``, ``cert``, ``key`` are paths.
    """
    address = urlsplit(endpoint or "")
    if address.scheme != "tcp" or not address.hostname or not options.keys() & {"cacert", "cert", "key"}:
        return None
    try:
        _greet(address.hostname, address.port or 0, options)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is refused: {error.verify_message}{_hint(error.verify_message)}"
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return f"it refuses: {reason}{_hint(reason)}"
    except (OSError, ValueError):
        return None
    return None


def _greet(host: str, port: int, options: Mapping[str, str]) -> None:
    """Be let in, and go. In TLS 1.3 a client's certificate is refused only when something is read."""
    context = ssl.create_default_context(cafile=options.get("cacert"))
    if options.get("cert") and options.get("key"):
        context.load_cert_chain(options["cert"], options["key"])
    context.set_alpn_protocols(["h2"])
    name, reach = options.get("servername") or host, (host, port)
    with socket.create_connection(reach, _SECONDS) as plain, context.wrap_socket(plain, server_hostname=name) as let_in:
        let_in.recv(1)


def _hint(reason: str) -> str:
    return f". {_CLOCK}" if "expired" in reason or "not yet valid" in reason else ""
