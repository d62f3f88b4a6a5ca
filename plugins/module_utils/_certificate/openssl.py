# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and certificates as files, made and read by OpenSSL."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.certificate import (
    USAGES,
    Certificate,
    Wanted,
    authority_configuration,
    certificate_extensions,
    parse_end,
    parse_names,
    request_configuration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, RunCommand
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: What OpenSSL calls the uses, by ours.
_PRINTED = {"server": "TLS Web Server Authentication", "client": "TLS Web Client Authentication"}


def openssl_cli(execute: RunCommand) -> Cli:
    """The program.

    :param execute: ``module.run_command``.
    """
    return Cli(execute, "openssl", provided_by="the package openssl")


class Openssl:
    """The program, with a folder for what it reads besides the keys.

    :param folder: goes with the task. No key is written into it.
    """

    def __init__(self, program: Cli, folder: str) -> None:
        self.program, self.folder = program, Path(folder)

    def find(self, path: str, public: str | None, authority: str | None) -> Certificate | None:
        """The certificate in a file; None where it or its key is missing.

        :param public: the public key that it should be of, as OpenSSL writes it; None where there is none yet.
        :param authority: the file of the authority that should have signed it; None for an authority.
        :raises CollectionError: the file is no certificate.
        """
        if public is None or not os.path.exists(path):
            return None
        usages = self._extension(path, "extendedKeyUsage")
        return Certificate(
            names=parse_names(self._extension(path, "subjectAltName")),
            ends=self.end_of(path),
            fits_key=public == self._public_of(path),
            signed=authority is None or self._verifies(authority, path),
            usages=tuple(usage for usage in USAGES if _PRINTED[usage] in usages),
        )

    def end_of(self, path: str) -> datetime:
        """When a certificate ends, in UTC."""
        return parse_end(self._run("x509", "-in", path, "-noout", "-enddate"))

    def fits(self, path: str, key: str) -> bool:
        """Whether a private key is a certificate's own."""
        return self.public_of_key(key) == self._public_of(path)

    def public_of_key(self, key: str) -> str | None:
        """The public key of a private one; None where there is no such file.

        :raises CollectionError: the file is no key.
        """
        return self._run("pkey", "-in", key, "-pubout") if os.path.exists(key) else None

    def public_of_request(self, request: str) -> str:
        """The public key that a request is for.

        :param request: its text.
        :raises CollectionError: it is no request, or not signed with the key that it is for.
        """
        done = self.program.run("req", "-verify", "-noout", "-pubkey", stdin=request, check=False)
        # Before OpenSSL 3 a signature that is wrong was only printed.
        if done.rc != 0 or "verify failure" in (done.stdout + done.stderr).lower():
            raise CollectionError(
                f"request is no certificate request that its own key has signed: {done.last_lines(2)}"
            )
        return done.stdout

    def key_hash(self, certificate: str) -> str:
        """The hash of a certificate's public key, SHA-256 in base64, as browsers and RFC 7469 have it.

        :param certificate: its text.
        """
        public = self._run("x509", "-noout", "-pubkey", stdin=certificate)
        body = "".join(line for line in public.splitlines() if not line.startswith("-----"))
        return base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()

    def make_key(self) -> str:
        """A new private key, as text: it is in no file before it is in its own."""
        return self._run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")

    def make_authority(self, key: str, wanted: Wanted) -> str:
        """The certificate of an authority that has a key."""
        configuration = self._file("authority.cnf", authority_configuration(wanted.ca_name))
        return self._run(
            "req", "-x509", "-new", "-sha256", "-key", key, "-days", str(wanted.ca_days), "-config", configuration,
            "-extensions", "authority", "-set_serial", _serial(),
        )  # fmt: skip

    def make_request(self, key: str, name: str) -> str:
        """A request for a certificate of a key, as text."""
        configuration = self._file("request.cnf", request_configuration(name))
        return self._run("req", "-new", "-sha256", "-key", key, "-config", configuration)

    def make_certificate(self, request: str, authority: str, authority_key: str, wanted: Wanted) -> str:
        """A certificate for the key of a request, signed by the authority. Names and use are those wanted, not its own."""
        path = self._file("request.pem", request)
        extensions = self._file("extensions.cnf", certificate_extensions(wanted))
        return self._run(
            "x509", "-req", "-in", path, "-CA", authority, "-CAkey", authority_key, "-set_serial", _serial(), "-sha256",
            "-days", str(wanted.days), "-extfile", extensions,
        )  # fmt: skip

    def _public_of(self, certificate: str) -> str:
        return self._run("x509", "-in", certificate, "-noout", "-pubkey")

    def _verifies(self, authority: str, path: str) -> bool:
        # Whether it has ended is asked elsewhere.
        return self.program.run("verify", "-no_check_time", "-CAfile", authority, path, check=False).rc == 0

    def _extension(self, path: str, name: str) -> str:
        return self._run("x509", "-in", path, "-noout", "-ext", name)

    def _file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def _run(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.program.run(*arguments, stdin=stdin, check=False)
        if done.rc != 0:
            named = [part for part in arguments if os.sep in part]
            raise CollectionError(
                f"openssl {arguments[0]} cannot work with {', '.join(named) or 'what it was given'}: {done.last_lines(2)}"
            )
        return done.stdout


def _serial() -> str:
    """A number that no other certificate of the authority has: 127 random bits."""
    return str(secrets.randbits(127) | 1 << 126)
