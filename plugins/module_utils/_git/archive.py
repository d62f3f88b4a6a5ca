# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles and archives: checksums, and an archive as the stream that ``git fast-import`` reads, without unpacking it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tarfile
import zipfile
from dataclasses import dataclass
from typing import BinaryIO, Iterable, Iterator

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

FIXED_TIME = 315532800
"""1980-01-01T00:00:00Z in seconds: the date of every commit made here, and the earliest that a zip file can hold."""

IDENTITY = ("imagefleet.dify", "source-checkout@imagefleet.invalid")

# SHA-1 and MD5 are no protection against somebody who means it.
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_MODES = {"file": "100644", "executable": "100755", "link": "120000"}


@dataclass(frozen=True)
class Checksum:
    """The checksum that a file must have."""

    algorithm: str
    digits: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digits}"


@dataclass(frozen=True)
class Member:
    """A file or link in an archive. ``content`` of a link is its target."""

    path: str
    kind: str
    content: bytes


def parse_checksum(text: str) -> Checksum:
    """Parse ``sha256:<64 hex>``, ``sha384:…``, ``sha512:…``, or the digits alone.

    :raises CollectionError: it is none of them.
    """
    algorithm, colon, digits = text.strip().lower().rpartition(":")
    if not colon:
        algorithm = next((name for name, count in _DIGITS.items() if count == len(digits)), "")
    if len(digits) != _DIGITS.get(algorithm) or not re.fullmatch("[0-9a-f]+", digits):
        raise CollectionError(
            f"checksum is {text!r}, which is none of {', '.join(f'{name}:<{n} hex>' for name, n in _DIGITS.items())}. "
            "Give the archive's checksum in one of these forms."
        )
    return Checksum(algorithm, digits)


def require_checksum(path: str, checksum: Checksum, origin: str) -> None:
    """Compare a file with its checksum.

    :raises CollectionError: the file differs, or cannot be read.
    """
    hasher = hashlib.new(checksum.algorithm)
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                hasher.update(block)
    except OSError as error:
        raise CollectionError(f"cannot be read: {error}") from error
    if hasher.hexdigest() != checksum.digits:
        raise CollectionError(
            f"has the checksum {checksum.algorithm}:{hasher.hexdigest()}, not {checksum}: it is damaged, another version, "
            "or not what it claims to be",
            checksum=f"{checksum.algorithm}:{hasher.hexdigest()}",
            source=origin,
        )


def recorded_commit(path: str) -> str | None:
    """The commit that ``git archive`` (and so GitHub and GitLab) wrote into an archive, or None.

    It stands in the comment of a tar file's global header, and in the comment of a zip file.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            comment = archive.comment.decode("ascii", "replace")
    else:
        with _open_tar(path) as tar:
            tar.next()
            comment = tar.pax_headers.get("comment", "")
    return comment if re.fullmatch("[0-9a-f]{40}", comment) else None


def read_members(path: str) -> Iterator[Member]:
    """The files and links of a tar file (plain, gzip, bzip2, xz) or a zip file.

    :raises CollectionError: it is no archive, is damaged, or holds something that no commit can hold.
    """
    try:
        yield from _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        # zipfile raises RuntimeError for an encrypted member.
        raise CollectionError(f"cannot be read as a tar or zip file: {error}") from error


def _open_tar(path: str) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:*")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CollectionError(f"cannot be read as a tar or zip file: {error}") from error


def _tar_members(path: str) -> Iterator[Member]:
    with _open_tar(path) as tar:
        for info in tar:
            if info.isdir():
                continue
            if info.issym():
                yield Member(info.name, "link", os.fsencode(info.linkname))
            elif info.isfile() or info.islnk():
                # A hard link is read as the file that it is a link to.
                file = tar.extractfile(info)
                content = file.read() if file else b""
                yield Member(info.name, "executable" if info.mode & stat.S_IXUSR else "file", content)
            else:
                raise CollectionError(f"holds {info.name!r}, which is a device or pipe. No commit can hold that")


def _zip_members(path: str) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            mode = info.external_attr >> 16
            kind = "link" if stat.S_ISLNK(mode) else "executable" if mode & stat.S_IXUSR else "file"
            yield Member(info.filename, kind, archive.read(info))


def safe_path(path: str) -> str:
    """``path`` normalised; the archive's author cannot write outside of the tree, nor into Git's own files.

    :raises CollectionError: the path is absolute, climbs, or has a part that Git reserves.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or not parts or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise CollectionError(f"holds the path {path!r}, which is absolute, climbs, or is Git's own")
    return "/".join(parts)


def common_folder(paths: Iterable[str]) -> str:
    """The one top-level folder that all files lie in, with a slash, or nothing: ``dify-0.15.3/`` in what GitHub packs."""
    tops = {path.partition("/")[0] if "/" in path else None for path in paths}
    top = tops.pop() if len(tops) == 1 else None
    return f"{top}/" if top else ""


def write_import(members: Iterable[Member], strip: str, ref: str, out: BinaryIO) -> int:
    """Write the stream that makes ``ref`` one commit of ``members``, and return how many there were.

    Names, dates and the message are fixed, so the commit depends on the contents alone, not on how they were packed.
    """
    message = b"Import of an archive\n"
    name, email = IDENTITY
    out.write(f"feature done\ncommit {ref}\ncommitter {name} <{email}> {FIXED_TIME} +0000\n".encode())
    out.write(b"data %d\n%b\n" % (len(message), message))
    count = 0
    for member in members:
        path = safe_path(member.path)[len(strip) :]
        out.write(b"M %b inline %b\n" % (_MODES[member.kind].encode(), quote_path(path)))
        out.write(b"data %d\n%b\n" % (len(member.content), member.content))
        count += 1
    out.write(b"\ndone\n")
    return count


def quote_path(path: str) -> bytes:
    r"""A path in the quotes of ``git fast-import``: ``\`` and ``"`` escaped, and newlines as ``\n``."""
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%b"' % raw
