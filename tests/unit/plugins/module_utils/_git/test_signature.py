# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._git.signature import (
    PGP_BEGIN,
    Keys,
    Signature,
    explain_verification,
    parse_verification,
    read_keys,
)

FINGERPRINT = "773FD4A3D0BDE2FD2C08CA5ECA39D8AC08B3AFA8"
# As gpg 2.2.40 and ssh-keygen of OpenSSH 9.2 print it through git 2.39.5.
GOOD = f"""[GNUPG:] NEWSIG rel@example.com
[GNUPG:] KEY_CONSIDERED {FINGERPRINT} 0
[GNUPG:] GOODSIG CA39D8AC08B3AFA8 Rel <rel@example.com>
[GNUPG:] VALIDSIG {FINGERPRINT} 2026-11-24 1795521028 0 4 0 22 8 00 {FINGERPRINT}
[GNUPG:] TRUST_UNDEFINED 0 pgp
"""
UNKNOWN = f"""[GNUPG:] NEWSIG rel@example.com
[GNUPG:] ERRSIG CA39D8AC08B3AFA8 22 8 00 1795521028 9 {FINGERPRINT}
[GNUPG:] NO_PUBKEY CA39D8AC08B3AFA8
"""
EXPIRED = GOOD.replace("GOODSIG", "EXPKEYSIG")
REVOKED = GOOD.replace("GOODSIG", "REVKEYSIG")
BAD = "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG CA39D8AC08B3AFA8 Rel <rel@example.com>\n"
SSH_KEY = "SHA256:tiA9eBKzz3G117NLTd2U3F/i5bOjXKr8PrLPn5Q8WEM"
SSH_GOOD = f'Good "git" signature for * with ED25519 key {SSH_KEY}\n'
SSH_UNKNOWN = f'Good "git" signature with ED25519 key {SSH_KEY}\nNo principal matched.\n'
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh0 me@host"


@pytest.mark.parametrize(
    "output, signature",
    [
        pytest.param(GOOD, Signature("gpg", FINGERPRINT, "Rel <rel@example.com>", "tag"), id="gpg"),
        pytest.param(SSH_GOOD, Signature("ssh", SSH_KEY, "*", "tag"), id="ssh"),
        pytest.param(UNKNOWN, None, id="unknown-key"),
        pytest.param(EXPIRED, None, id="expired-key"),
        pytest.param(REVOKED, None, id="revoked-key"),
        pytest.param(BAD, None, id="bad"),
        pytest.param(GOOD + BAD, None, id="one-good-one-bad"),
        pytest.param(SSH_UNKNOWN, None, id="unknown-ssh-key"),
        pytest.param("error: no signature found\n", None, id="unsigned"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_parse_verification(output, signature):
    assert parse_verification(output, "tag") == signature


@pytest.mark.parametrize(
    "output, words",
    [
        pytest.param(UNKNOWN, "signed with the key CA39D8AC08B3AFA8, which is not among verify_keys", id="unknown-key"),
        pytest.param(EXPIRED, "has expired", id="expired-key"),
        pytest.param(REVOKED, "was revoked", id="revoked-key"),
        pytest.param(BAD, "changed after it was signed", id="bad"),
        pytest.param(SSH_UNKNOWN, f"ssh key {SSH_KEY}, which is not among", id="unknown-ssh-key"),
        pytest.param(
            "error: gpg.ssh.allowedSignersFile needs to be configured and exist",
            "verify_keys has none",
            id="no-ssh-key",
        ),
        pytest.param("error: no signature found\n", "the tag is not signed", id="unsigned"),
        pytest.param("", "the tag is not signed", id="silence"),
        pytest.param("gpg: strange", "cannot be checked: gpg: strange", id="strange"),
    ],
)
def test_explain_verification(output, words):
    assert words in explain_verification(output, "tag")


@pytest.mark.parametrize(
    "value, keys",
    [
        pytest.param(f"{PGP_BEGIN}\nx\n", Keys(pgp=(f"{PGP_BEGIN}\nx\n".encode(),)), id="pgp"),
        pytest.param(PUBLIC, Keys(ssh=(f'* namespaces="git" {PUBLIC}',)), id="ssh-public-key"),
        pytest.param(f"# who\nme@x {PUBLIC}\n", Keys(ssh=(f"me@x {PUBLIC}",)), id="allowed-signers"),
        pytest.param(
            f'me@x namespaces="git" {PUBLIC}', Keys(ssh=(f'me@x namespaces="git" {PUBLIC}',)), id="with-options"
        ),
    ],
)
def test_read_keys(value, keys, tmp_path):
    path = tmp_path / "key"
    path.write_text(value)
    assert read_keys([value]) == keys
    assert read_keys([str(path)]) == keys


def test_binary_pgp_keys_are_read(tmp_path):
    path = tmp_path / "key.gpg"
    path.write_bytes(b"\x98\x33x")
    assert read_keys([str(path)]) == Keys(pgp=(b"\x98\x33x",))


def test_what_is_no_key_is_refused(tmp_path):
    path = tmp_path / "key"
    path.write_text("hello\n")
    with pytest.raises(CollectionError, match="holds neither"):
        read_keys([str(path)])
    with pytest.raises(MissingPrerequisite, match="neither a key nor a file"):
        read_keys([str(tmp_path / "missing")])
