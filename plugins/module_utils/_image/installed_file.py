# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is put into an image: where, whose, and under which name the build finds it. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: What is ours in an image.
OWN_FOLDER = "/usr/local/lib/imagefleet"
#: Each file is a layer, and engines take 127 of them in an image.
_MOST_FILES = 80
_MODE = re.compile(r"[0-7]{4}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]+|[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
#: Names that mean themselves in a context: no wildcard, no escape, nothing to quote.
_PLAIN = re.compile(r"[A-Za-z0-9._/+-]+", re.ASCII)
_VIRTUAL = ("/proc", "/sys", "/dev")


@dataclass(frozen=True)
class InstalledFile:
    """A file in the image.

    :param option: where the user asked for it, such as ``files[0]``.
    :param dest: its absolute path in the image.
    :param owner: name or number.
    :param mode: four octal digits.
    """

    option: str
    dest: str
    content: bytes
    owner: str = "0"
    group: str = "0"
    mode: str = "0644"

    def __post_init__(self) -> None:
        _check_dest(self.option, self.dest)
        for key, value in (("owner", self.owner), ("group", self.group)):
            if not _ACCOUNT.fullmatch(value):
                raise CollectionError(f"{self.option} has the {key} {value!r}, which is no name or number of one.")
        if not _MODE.fullmatch(self.mode):
            raise CollectionError(
                f"{self.option} has the mode {self.mode!r}. Write four octal digits in quotes, such as '0644': without quotes "
                "YAML reads another number."
            )

    @property
    def context_path(self) -> str | None:
        """Its name in the context, which tells the file, or None where only a number is safe."""
        return f"files{self.dest}" if _PLAIN.fullmatch(self.dest) else None


def context_paths(files: Sequence[InstalledFile]) -> dict[str, InstalledFile]:
    """The files by their names in the context.

    :raises CollectionError: two have one place, or one is a folder of another.
    """
    if len(files) > _MOST_FILES:
        raise CollectionError(
            f"{len(files)} files and scripts are more than the {_MOST_FILES} that an image takes as layers. Put them into a "
            "package or an archive."
        )
    by_dest: dict[str, InstalledFile] = {}
    for file in files:
        if file.dest in by_dest:
            raise CollectionError(
                f"{by_dest[file.dest].option} and {file.option} both have the dest {file.dest!r}. Give each its own."
            )
        by_dest[file.dest] = file
    for file in files:
        folder = posixpath.dirname(file.dest)
        while folder != "/":
            if folder in by_dest:
                raise CollectionError(
                    f"{by_dest[folder].option} makes {folder!r} a file, and {file.option} needs it as a folder. Correct a dest."
                )
            folder = posixpath.dirname(folder)
    return {file.context_path or f"other/{number}": file for number, file in enumerate(files)}


def _check_dest(option: str, dest: str) -> None:
    if not dest.startswith("/") or posixpath.normpath(dest) != dest or dest in ("/", "//") or dest.startswith("//"):
        raise CollectionError(
            f"{option} has the dest {dest!r}, which is no absolute path of a file. Write it whole, with its name and without "
            ".. or a / at the end."
        )
    # A Dockerfile is made of lines, and << would begin a text in it.
    if not dest.isprintable() or "<<" in dest or any(len(part.encode()) > 255 for part in dest.split("/")):
        raise CollectionError(
            f"{option} has the dest {dest!r}, which has characters that no Dockerfile can name, or a name that is too long."
        )
    for folder in _VIRTUAL:
        if dest == folder or dest.startswith(f"{folder}/"):
            raise CollectionError(f"{option} has the dest {dest!r}, and {folder} is no part of an image.")
