# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patches: read from files or given as text, identified by content, and Git's complaints about them. Pure but for reading."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

_AT_LINE = re.compile(r"^error: patch failed: (?P<file>.+):(?P<line>\d+)$", re.MULTILINE)
_NOT_THERE = re.compile(r"^error: (?P<file>.+): (?:does not exist in index|No such file or directory)$", re.MULTILINE)
_THERE_ALREADY = re.compile(r"^error: (?P<file>.+): already exists in (?:index|working directory)$", re.MULTILINE)


@dataclass(frozen=True)
class Patch:
    """A patch, as ``git diff`` or ``git format-patch`` writes it.

    :param name: for messages: its path, or its number among those given as text.
    """

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 over the content, 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_patches(values: Sequence[str]) -> tuple[Patch, ...]:
    """Each value is the patch itself when it holds a newline, else the path of a file.

    :raises MissingPrerequisite: a file is not there; an earlier task may be about to write it.
    """
    return tuple(_read_patch(value, number) for number, value in enumerate(values, 1))


def _read_patch(value: str, number: int) -> Patch:
    if "\n" in value:
        # Ansible's templating may eat the newline that ends the last line, without which Git calls the patch corrupt.
        return Patch(f"number {number}", value.encode() if value.endswith("\n") else f"{value}\n".encode())
    try:
        with open(value, "rb") as file:
            return Patch(value, file.read())
    except FileNotFoundError as error:
        raise MissingPrerequisite(
            f"The patch {value} is not on this host. Copy it there first, or give the patch's text in place of a path.",
            task=f"the task that writes {value}",
        ) from error
    except OSError as error:
        raise CollectionError(f"The patch {value} cannot be read: {error}.") from error


def patches_digest(patches: Sequence[Patch]) -> str:
    """SHA-256 over the patches' digests in order: what the store remembers a patched commit by."""
    return hashlib.sha256("".join(patch.digest for patch in patches).encode()).hexdigest()


def patches_message(patches: Sequence[Patch]) -> str:
    """The message of the commit. It names contents, not files: the same patches make the same commit on every machine."""
    return "Apply local patches\n\n" + "".join(f"sha256:{patch.digest}\n" for patch in patches)


def explain_patch(stderr: str) -> str:
    """Which file and place a patch does not fit, from what ``git apply`` prints."""
    at_lines = [f"{found['file']} is different around line {found['line']}" for found in _AT_LINE.finditer(stderr)]
    missing = [f"{found['file']} does not exist" for found in _NOT_THERE.finditer(stderr)]
    present = [f"{found['file']} exists already" for found in _THERE_ALREADY.finditer(stderr)]
    if at_lines or missing or present:
        return "; ".join([*at_lines, *missing, *present])
    if "No valid patches" in stderr:
        return "there is no patch in it"
    return stderr.strip().replace("error: ", "")
