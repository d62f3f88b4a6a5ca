# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures: given keys as a keyring of their own, and what gpg and ssh-keygen say about a commit or tag. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

PGP_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_SSH_KEY = r"(?:ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) AAAA[A-Za-z0-9+/=]+"
_SSH_KEY_LINE = re.compile(rf"^{_SSH_KEY}")
_SIGNERS_LINE = re.compile(rf"^\S+ (?:\S+ )*{_SSH_KEY}")
_SSH_GOOD = re.compile(r'^Good "git" signature for (?P<signer>.*) with \S+ key (?P<key>SHA256:\S+)$', re.MULTILINE)
_SSH_UNKNOWN = re.compile(r'^Good "git" signature with \S+ key (?P<key>SHA256:\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Keys:
    """The keys that may sign: OpenPGP key blocks, and lines of an ssh ``allowed_signers`` file."""

    pgp: tuple[bytes, ...] = ()
    ssh: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """A good signature by one of the given keys.

    :param key: fingerprint of the key.
    :param of: ``tag`` or ``commit``.
    """

    format: str
    key: str
    signer: str
    of: str


def read_keys(values: Sequence[str]) -> Keys:
    """Each value is a key's text, or the path of a file with keys.

    :raises CollectionError: a value holds no key.
    :raises MissingPrerequisite: a file is not there.
    """
    pgp: list[bytes] = []
    ssh: list[str] = []
    for value in values:
        raw = value.encode() if PGP_BEGIN in value or " AAAA" in value else _read(value)
        text = raw.decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        if lines and all(_SSH_KEY_LINE.match(line) or _SIGNERS_LINE.match(line) for line in lines):
            ssh += [f'* namespaces="git" {line}' if _SSH_KEY_LINE.match(line) else line for line in lines]
        elif PGP_BEGIN in text or (raw and raw[0] & 0x80):
            # The first octet of a binary OpenPGP packet has its highest bit set (RFC 4880, 4.2).
            pgp.append(raw)
        else:
            name = value if "\n" not in value and len(value) < 200 else "a value"
            raise CollectionError(
                f"verify_keys: {name} holds neither an OpenPGP public key, nor ssh public keys, nor allowed_signers "
                "lines. Give the keys that may sign, as text or as files."
            )
    return Keys(tuple(pgp), tuple(ssh))


def _read(path: str) -> bytes:
    if "\n" in path:
        return path.encode()
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise MissingPrerequisite(
            f"verify_keys: {path} is neither a key nor a file on this host. Copy the key there, or give its text.",
            task=f"the task that writes {path}",
        ) from error
    except OSError as error:
        raise CollectionError(f"verify_keys: {path} cannot be read: {error}.") from error


def parse_verification(output: str, of: str) -> Signature | None:
    """The good signature in what ``git verify-tag --raw`` or ``verify-commit --raw`` printed, or None.

    gpg's status lines are those of its doc/DETAILS; GOODSIG is printed for valid, unexpired, unrevoked keys only.
    """
    ssh = _SSH_GOOD.search(output)
    if ssh:
        return Signature("ssh", ssh["key"], ssh["signer"], of)
    status = _status(output)
    if "GOODSIG" in status and "VALIDSIG" in status and not status.keys() & {"BADSIG", "ERRSIG", "EXPSIG"}:
        signer = status["GOODSIG"].partition(" ")[2]
        return Signature("gpg", status["VALIDSIG"].split(" ")[-1], signer, of)
    return None


def explain_verification(output: str, of: str) -> str:
    """Why there is no good signature, for a user."""
    status = _status(output)
    unknown = _SSH_UNKNOWN.search(output)
    if "BADSIG" in status:
        return f"the {of} was changed after it was signed ({status['BADSIG']})"
    if "REVKEYSIG" in status:
        return f"the {of} is signed with a key that was revoked ({status['REVKEYSIG']})"
    if "EXPKEYSIG" in status or "EXPSIG" in status:
        expired = status.get("EXPKEYSIG") or status["EXPSIG"]
        return f"the signature of the {of}, or its key, has expired ({expired}); give the renewed key"
    if "NO_PUBKEY" in status or "ERRSIG" in status:
        key = status.get("NO_PUBKEY") or status["ERRSIG"].split(" ")[0]
        return f"the {of} is signed with the key {key}, which is not among verify_keys"
    if unknown:
        return f"the {of} is signed with the ssh key {unknown['key']}, which is not among verify_keys"
    if "allowedSignersFile needs to be configured" in output:
        return f"the {of} is signed with an ssh key, and verify_keys has none"
    # verify-commit fails in silence where verify-tag says what is missing.
    if "no signature found" in output or not output.strip():
        return f"the {of} is not signed"
    return f"the signature of the {of} cannot be checked: {output.strip()}"


def _status(output: str) -> dict[str, str]:
    lines = (line[9:] for line in output.splitlines() if line.startswith("[GNUPG:] "))
    return {word: rest for word, _space, rest in (line.partition(" ") for line in lines)}
