# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checking a tag or commit against given keys, in a keyring that nothing else is in."""

from __future__ import annotations

import os

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import GitClient
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import TAG, Ref
from ansible_collections.imagefleet.dify.plugins.module_utils._git.signature import Keys, Signature


def require_signature(git: GitClient, keys: Keys, ref: Ref, commit: str, workspace: str) -> Signature | None:
    """The signature of the ref's tag, else of the commit, by one of ``keys``; None when there are no keys to ask for.

    :raises CollectionError: there is none, or the tag was made under another name.
    """
    if keys == Keys():
        return None
    keyring = os.path.join(workspace, "keyring")
    os.makedirs(keyring, mode=0o700, exist_ok=True)
    for path, content in keyring_files(keys, keyring).items():
        with open(path, "wb") as file:
            file.write(content)
    for number in range(len(keys.pgp)):
        git.import_key(os.path.join(keyring, f"key-{number}"), keyring)
    tag = git.find_object(ref.record) if ref.kind == TAG else None
    name = git.tag_name(tag) if tag else None
    if name and name != ref.short:
        # Else an old release's signed tag could be served under a new name.
        raise CollectionError(
            f"The tag {ref.short} holds a tag that was made as {name}. Commit {commit} is not to be trusted under this name: "
            "check where it comes from."
        )
    return git.verify(tag if name else None, commit, keyring)


def keyring_files(keys: Keys, folder: str) -> dict[str, bytes]:
    """The files of a keyring in ``folder``, by path: gpg's settings, key blocks, allowed signers."""
    files = {os.path.join(folder, "gpg.conf"): b"no-autostart\nno-auto-key-retrieve\n"}
    for number, key in enumerate(keys.pgp):
        files[os.path.join(folder, f"key-{number}")] = key
    files[os.path.join(folder, "allowed_signers")] = "".join(f"{line}\n" for line in keys.ssh).encode()
    return files
