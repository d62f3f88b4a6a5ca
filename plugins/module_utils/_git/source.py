# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a source comes from: repositories, bundles and archives, as addresses without credentials. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Sequence
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

REPOSITORY = "repository"
BUNDLE = "bundle"
ARCHIVE = "archive"

SCHEMES = ("https", "http", "ssh", "git", "file")
ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip")
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SCP_LIKE = re.compile(r"^(?:[A-Za-z0-9_.-]+@)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?!:)[^\s:].*$")
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]*@", re.IGNORECASE)


@dataclass(frozen=True)
class Credentials:
    """A user name and password (or token) for one server, never part of an address."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Source:
    """One place to fetch from.

    :param address: what Git or the download takes: a URL without user info (``ssh`` keeps its user), or an absolute path.
    :param kind: :data:`REPOSITORY`, :data:`BUNDLE` or :data:`ARCHIVE`.
    :param credentials: for HTTP(S) only.
    """

    address: str
    kind: str
    credentials: Credentials | None = None

    @property
    def is_remote(self) -> bool:
        return not self.address.startswith("/")

    @property
    def is_http(self) -> bool:
        return self.address.startswith(("http://", "https://"))

    @property
    def server(self) -> str:
        """Scheme, host and port of a URL, as Git matches ``credential.<url>``."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def __str__(self) -> str:
        return mask(self.address)


def mask(text: str) -> str:
    """``text`` with the user info of every URL in it replaced by ``***``.

    >>> mask("fatal: https://me:secret@host/x is gone")
    'fatal: https://***@host/x is gone'
    """
    return _USER_INFO.sub(r"\1***@", text)


def parse_source(text: str, option: str, credentials: Credentials | None = None) -> Source:
    """Understand what a user gave as ``option``: ``repo``, ``archive`` or one of ``mirrors``.

    User info in an HTTP URL becomes credentials, so that it never reaches an argument vector.
    The kind of a file follows from its name; what ``archive`` names is a bundle or an archive.

    :raises CollectionError: it is none of the kinds, or nothing that is safe to hand to Git.
    """
    if not text or text.startswith("-") or not text.isprintable():
        raise CollectionError(
            f"{option} is {mask(text)!r}, which is no address: it is empty, starts with a dash or holds control "
            "characters. Give a URL, or the absolute path of a repository, bundle or archive."
        )
    scheme = _SCHEME.match(text)
    if scheme:
        address, own = _parse_url(text, scheme[1].lower(), option)
    else:
        address, own = _parse_plain(text, option), None
    kind = _kind(address, option)
    source = Source(address, kind, own or credentials)
    return source if source.is_http else Source(address, kind)


def _parse_url(text: str, scheme: str, option: str) -> tuple[str, Credentials | None]:
    if scheme not in SCHEMES:
        raise CollectionError(
            f"{option} is {mask(text)}, and the scheme {scheme} is not one of {', '.join(SCHEMES)}. Use one of them."
        )
    parts = urlsplit(text)
    if scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise CollectionError(f"{option} is {text}, which names no file of this host. Write file:///absolute/path.")
        return f"file://{parts.path}", None
    user, _at, host = parts.netloc.rpartition("@")
    if not host or host.startswith(("-", ":")):
        raise CollectionError(f"{option} is {mask(text)}, which has no host. Correct the URL.")
    if scheme == "ssh":
        name = user.partition(":")[0]
        if name.startswith("-"):
            raise CollectionError(f"{option} is {mask(text)}, whose user name starts with a dash. Correct the URL.")
        return urlunsplit((scheme, f"{name}@{host}" if name else host, parts.path, "", "")), None
    address = urlunsplit((scheme, host, parts.path, parts.query, ""))
    name, _colon, password = user.partition(":")
    return address, Credentials(unquote(name), unquote(password)) if user else None


def _parse_plain(text: str, option: str) -> str:
    if text.startswith(("/", "~")):
        return os.path.normpath(os.path.expanduser(text))
    if _SCP_LIKE.match(text):
        return text
    raise CollectionError(
        f"{option} is {text!r}, which is neither a URL ({', '.join(SCHEMES)}), nor user@host:path, nor an absolute path. "
        "A relative path has no meaning on a managed host: write it out."
    )


def _kind(address: str, option: str) -> str:
    path = (urlsplit(address).path if _SCHEME.match(address) else address).lower()
    if path.endswith(".bundle"):
        return BUNDLE
    if option == "archive" or path.endswith(ARCHIVE_SUFFIXES):
        return ARCHIVE
    return REPOSITORY


def require_one_kind(sources: Sequence[Source]) -> None:
    """An archive's commit is made here, a repository's upstream: one cannot stand in for the other.

    :raises CollectionError: archives are mixed with repositories or bundles.
    """
    if len({source.kind == ARCHIVE for source in sources}) > 1:
        kinds = ", ".join(f"{source} ({source.kind})" for source in sources)
        raise CollectionError(
            f"Archives and repositories cannot be mirrors of each other, as an archive has no history: {kinds}. "
            "Give mirrors of one kind."
        )
