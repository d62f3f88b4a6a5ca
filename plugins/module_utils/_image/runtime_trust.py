# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that an image trusts when it runs, beside those that it trusts anyway. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import shlex
from typing import Iterator, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.installed_file import OWN_FOLDER

#: All of them in one file of the image, as Node wants it.
BUNDLE = f"{OWN_FOLDER}/runtime_ca.pem"
#: Read by Node at its start, which has certificates of its own and asks no store.
VARIABLE = "NODE_EXTRA_CA_CERTS"

_LOCAL_FOLDER = "/usr/local/share/ca-certificates"
_STORE = "/etc/ssl/certs/ca-certificates.crt"
#: Variables by which a base may have programs read a file of its own in place of the stores.
_NAMING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_BLOCK = re.compile(
    r"^-----BEGIN CERTIFICATE-----[ \t\r]*\n([A-Za-z0-9+/=\s]+?)^-----END CERTIFICATE-----", re.MULTILINE
)


def parse_certificates(option: str, content: bytes) -> tuple[bytes, ...]:
    """The certificates of a bundle in DER, each once, in their order. Whatever else is in it is left out.

    :param option: what the user calls the bundle.
    :raises CollectionError: there is none, one is broken, or there is a private key, which must not get into an image.
    """
    text = content.decode("utf-8", "replace")
    if "PRIVATE KEY-----" in text:
        raise CollectionError(
            f"{option} has a private key, and everybody who pulls the image could read it. Give a file with certificates alone."
        )
    found: dict[bytes, None] = {}
    for number, match in enumerate(_BLOCK.finditer(text), start=1):
        try:
            certificate = base64.b64decode("".join(match[1].split()), validate=True)
        except binascii.Error as error:
            raise CollectionError(f"{option} has a broken certificate, number {number}: {error}.") from error
        # An X.509 certificate is one SEQUENCE of ASN.1 in DER.
        if certificate[:1] != b"\x30":
            raise CollectionError(f"{option} has something else than a certificate as number {number}.")
        found[certificate] = None
    if not found:
        raise CollectionError(f"{option} has no certificate in PEM (-----BEGIN CERTIFICATE-----). Correct the path.")
    return tuple(found)


def certificate_files(certificates: tuple[bytes, ...]) -> dict[str, bytes]:
    """A file for each certificate, as stores want them, by a name that tells it."""
    return {f"imagefleet-{hashlib.sha256(one).hexdigest()[:16]}.crt": _pem(one) for one in certificates}


def trust_commands(folder: str, virtual_env: str | None, environment: Mapping[str, str]) -> Iterator[str]:
    """Shell commands that put the files of ``folder`` into every store of the image, run as root.

    The operating system's is rebuilt by its own tool where there is one, and appended to where there is not, as on Alpine.
    Certifi of the Python environment is appended to, because requests and httpx read it and nothing else.

    :param virtual_env: the environment's folder; None when there is none.
    :param environment: the image's variables. Files that they name in place of a store are appended to as well.
    """
    every = f"{folder}/*.crt"
    yield "umask 022"
    yield f"mkdir -p {OWN_FOLDER} {_LOCAL_FOLDER} {_STORE.rpartition('/')[0]}"
    yield f"cat {every} > {BUNDLE}"
    node = environment.get(VARIABLE)
    if node:
        yield _if_there(node, f"cat {shlex.quote(node)} >> {BUNDLE}")
    yield f'for one in {every}; do cat "$one" > "{_LOCAL_FOLDER}/${{one##*/}}"; done'
    yield (
        "if command -v update-ca-certificates > /dev/null; then update-ca-certificates; "
        f"else cat {every} >> {_STORE}; fi"
    )
    if virtual_env is not None:
        stores = f"{virtual_env}/lib/python3*/site-packages/certifi/cacert.pem"
        yield f'for store in {stores}; do if [ -f "$store" ]; then cat {every} >> "$store"; fi; done'
    named = dict.fromkeys(environment[name] for name in _NAMING if environment.get(name))
    for path in named:
        if path != _STORE:
            yield _if_there(path, f"cat {every} >> {shlex.quote(path)}")


def _if_there(path: str, command: str) -> str:
    return f"if [ -f {shlex.quote(path)} ]; then {command}; fi"


def _pem(certificate: bytes) -> bytes:
    text = base64.b64encode(certificate).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]).encode()
