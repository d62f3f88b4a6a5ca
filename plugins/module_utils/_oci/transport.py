# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request to a registry: how it is trusted, where redirects lead, and what is said when it does not answer."""

from __future__ import annotations

import hashlib
import os
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from typing import IO, Any, Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import install_opener

from ansible.module_utils.urls import ConnectionError as AnsibleConnectionError
from ansible.module_utils.urls import Request, make_context

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

_CHUNK_BYTES = 1 << 20
_REDIRECTS = (301, 302, 303, 307, 308)
#: Answers after which the same request may succeed, and the seconds before it is sent again.
_BUSY = (429, 500, 502, 503, 504)
_PAUSES = (0.1, 0.4, 1.0)
_LONGEST_PAUSE = 10.0
#: How long a registry is waited for that takes nothing for the moment, as while it collects garbage.
CLOSED_SECONDS = 900.0
#: How long one is waited for that answered before and does not listen any more, as while it is restarted.
RESTART_SECONDS = 60.0
_answered: set[str] = set()
_MOST_REDIRECTS = 5
_TRANSFER_SECONDS = 900


@dataclass(frozen=True)
class RegistrySettings:
    """How one registry is reached: an entry of ``registries``.

    :param host: with its port, as in references.
    :param ca: path of a CA certificate (PEM), trusted beside the system's.
    :param insecure: TLS without looking at the certificate.
    :param http: no TLS.
    :param create: the kind of registry by whose interface is made what has to exist before a push; None where nothing has to.
    """

    host: str
    ca: str | None = None
    insecure: bool = False
    http: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mirrors_of: tuple[str, ...] = ()
    create: str | None = None


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of any status.

    :param headers: by name in lower case.
    :param body: empty when it went to a file.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def is_loopback(registry: str) -> bool:
    """Whether a registry's host is this machine itself, which Docker speaks HTTP to."""
    host = urlsplit(f"//{registry}").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def certs_d(host: str) -> str | None:
    """The CA that Docker has for a registry; None without one."""
    path = f"/etc/docker/certs.d/{host}/ca.crt"
    return path if os.path.isfile(path) else None


def uses_tls(settings: RegistrySettings) -> bool:
    """Whether a registry is reached over TLS at first: all are, but those on loopback only when there is a CA for them."""
    if settings.http:
        return False
    return not is_loopback(settings.host) or bool(settings.ca or certs_d(settings.host))


def send(
    settings: RegistrySettings,
    method: str,
    address: str,
    headers: Mapping[str, str],
    data: bytes | IO[bytes] | None = None,
    timeout: int = 30,
    sink: IO[bytes] | None = None,
) -> Answer:
    """Send a request, follow redirects of GET and HEAD, and return the answer.

    What may be sent twice is sent again when the registry is busy: a file system's registry answers 500 to a reader while
    another client moves the same tag, and public ones limit how often they are asked. A write that is refused with 503 and
    ``Retry-After`` was not begun: it is sent again for :data:`CLOSED_SECONDS`.

    Another host than the registry's never gets its ``Authorization``: stores of blobs, which have the permission in the
    address, refuse a request with both, and nobody else may learn it.

    A registry that answered this process before and now refuses connections is being restarted: nothing was sent, and what was
    to be sent is sent when it listens again, within :data:`RESTART_SECONDS`. So is what may be sent twice, when it goes away
    before it answers.

    :param data: a file is sent from its current position.
    :param timeout: seconds without any progress; more when ``data`` is a file, as registries then take their time.
    :param sink: takes the body of a successful answer, piece by piece.
    :raises CollectionError: there is no answer, or it breaks off.
    """
    headers = dict(headers)
    for _hop in range(_MOST_REDIRECTS):
        answer = _send_patiently(settings, method, address, headers, data, timeout, sink)
        following = answer.headers.get("location")
        if answer.status not in _REDIRECTS or method not in ("GET", "HEAD") or not following:
            return answer
        before, address = address, urljoin(address, following)
        if urlsplit(before)[:2] != urlsplit(address)[:2]:
            headers.pop("Authorization", None)
    raise CollectionError(
        f"The registry {settings.host} redirects more than {_MOST_REDIRECTS} times, last to "
        f"{urlsplit(address).netloc}. Look at it or at the proxy before it.",
        registry=settings.host,
    )


def _send_patiently(
    settings: RegistrySettings,
    method: str,
    address: str,
    headers: dict[str, str],
    data: bytes | IO[bytes] | None,
    timeout: int,
    sink: IO[bytes] | None,
) -> Answer:
    """Send a request until it is neither refused for the moment nor to be tried once more.

    All the waiting for a closed registry has one end, however often the request is sent, and whatever it answers in between. So
    has the waiting for one that is being restarted.
    """
    asked = urlsplit(address).netloc
    file = None if data is None or isinstance(data, bytes) else data
    start = file.tell() if file else 0
    repeatable = method in ("GET", "HEAD") or (method == "PUT" and isinstance(data, bytes))
    pauses = list(_PAUSES if repeatable else ())
    end = restarted = None
    while True:
        try:
            answer = _send_once(settings, method, address, headers, data, timeout, sink)
        except CollectionError as error:
            restarted = restarted or time.monotonic() + RESTART_SECONDS
            if asked not in _answered or not _is_gone(error.__cause__, repeatable) or time.monotonic() >= restarted:
                raise
            time.sleep(_PAUSES[-1])
            continue
        _answered.add(asked)
        retry_after = answer.headers.get("retry-after")
        if _is_closed(method, answer):
            end = end or time.monotonic() + CLOSED_SECONDS
            if time.monotonic() >= end:
                return answer
            time.sleep(max(wait_seconds(retry_after, _PAUSES[-1]), _PAUSES[-1]))
        elif answer.status in _BUSY and pauses:
            time.sleep(wait_seconds(retry_after, pauses.pop(0)))
        else:
            return answer
        if file:
            file.seek(start)


def _is_closed(method: str, answer: Answer) -> bool:
    """Whether a write was refused before it was begun, with a word on when to ask again."""
    return answer.status == 503 and "retry-after" in answer.headers and method not in ("GET", "HEAD")


def _is_gone(error: BaseException | None, repeatable: bool) -> bool:
    """Whether nobody listened, so that nothing was sent; or somebody went away before the answer to what may be sent twice."""
    return isinstance(getattr(error, "reason", error), ConnectionError if repeatable else ConnectionRefusedError)


def wait_seconds(retry_after: str | None, pause: float) -> float:
    """How long to wait before asking again: what the answer says in seconds, at most ten, else ``pause``."""
    said = (retry_after or "").strip()
    return min(float(said), _LONGEST_PAUSE) if said.isdigit() else pause


def _send_once(
    settings: RegistrySettings,
    method: str,
    address: str,
    headers: dict[str, str],
    data: bytes | IO[bytes] | None,
    timeout: int,
    sink: IO[bytes] | None,
) -> Answer:
    is_file = data is not None and not isinstance(data, bytes)
    try:
        response = Request().open(
            method,
            address,
            headers=headers,
            data=data,
            timeout=max(timeout, _TRANSFER_SECONDS) if is_file else timeout,
            follow_redirects="none",
            http_agent="imagefleet.dify",
            use_proxy=not is_loopback(urlsplit(address).netloc),
            # A netrc entry would take the place of the token.
            use_netrc=False,
            context=_context_for(settings, address),
        )
        with response:
            return Answer(response.status, _lower(response.headers), _read(response, sink))
    except HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers), _read(error, None))
    except (URLError, OSError, ValueError, HTTPException, AnsibleConnectionError) as error:
        raise _unanswered(settings.host, address, error) from error
    finally:
        # Ansible leaves the opener of a request to everybody in the process, with a trust that is this registry's alone.
        install_opener(None)


def sha256_of(file: IO[bytes]) -> str:
    """``sha256:…`` of a file from its start, which it is left at."""
    found = hashlib.sha256()
    file.seek(0)
    for piece in iter(lambda: file.read(_CHUNK_BYTES), b""):
        found.update(piece)
    file.seek(0)
    return f"sha256:{found.hexdigest()}"


def _read(response: Any, sink: IO[bytes] | None) -> bytes:
    if sink is None:
        body: bytes = response.read()
        return body
    for piece in iter(lambda: response.read(_CHUNK_BYTES), b""):
        sink.write(piece)
    return b""


def _context_for(settings: RegistrySettings, address: str) -> ssl.SSLContext:
    parts = urlsplit(address)
    if parts.scheme == "http" and is_loopback(parts.netloc):
        # No proxy stands before it and no redirect is followed, so there is no TLS: reading all authorities of the
        # system would take longer than the request.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _context(settings.ca or certs_d(settings.host), settings.insecure)


@cache
def _context(ca: str | None, insecure: bool) -> ssl.SSLContext:
    context: ssl.SSLContext = make_context(validate_certs=not insecure)
    if ca and not insecure:
        try:
            context.load_verify_locations(cafile=ca)
        except OSError as error:
            raise CollectionError(
                f"The CA {ca} cannot be used: {error}. It must be a file with certificates in PEM on the host that the "
                "module runs on.",
                ca=ca,
            ) from error
    return context


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _unanswered(host: str, address: str, error: Exception) -> CollectionError:
    reason = getattr(error, "reason", error)
    asked = urlsplit(address).netloc
    through = "" if asked == host else f" ({asked}, which it leads to)"
    if isinstance(reason, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
        return CollectionError(
            f"The registry {host}{through} is not trusted: {reason}. Give its CA in registries (ca), or say insecure or http.",
            registry=host,
        )
    if isinstance(reason, HTTPException):
        return CollectionError(
            f"The answer of the registry {host}{through} breaks off or is no HTTP: {reason!r}. Try again, and look at the "
            "registry and any proxy before it.",
            registry=host,
        )
    message = f"The registry {host}{through} cannot be reached: {reason}."
    if is_loopback(host):
        return MissingPrerequisite(
            f"{message} Start it; the registry playbook sets one up.", task="the registry playbook", registry=host
        )
    return CollectionError(f"{message} Check its name, network and proxy.", registry=host)
