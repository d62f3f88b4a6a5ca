# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python packages as a user asks for them, by name or in a requirements file: checked, and their names found. Pure.

pip and uv read the same format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
#: Name, extras, then versions, an address or a marker: nothing else may follow a name.
_REQUIREMENT = re.compile(rf"(?P<name>{_NAME})\s*(?:\[[^\]]*\])?\s*(?P<rest>(?:[<>=!~(@;].*)?)", re.ASCII | re.DOTALL)
_LINE_OPTION = re.compile(r"\s--(?P<name>[a-z-]+)(?:=|\s+)\S+")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_CONTINUED = re.compile(r"\\\r?\n")
#: A password that is written out; one that is a variable (`${NAME}`) is not.
_PASSWORD = re.compile(r"://[^/\s:@]*:(?!\$\{)[^/\s@]+@")
#: Lines of a requirements file that name other files, none of which would be in the build.
_OF_OTHER_FILES = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")
_FILE_OPTIONS = (
    "-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--no-binary", "--only-binary",
    "--prefer-binary", "--pre", "--require-hashes", "--trusted-host",
)  # fmt: skip


@dataclass(frozen=True)
class Requirement:
    """A package that is to be installed.

    :param text: the line as the installer reads it.
    :param conditional: whether a marker may leave it out (``; python_version < "3.9"``).
    :param hashed: whether it has a hash.
    """

    name: str
    text: str
    conditional: bool = False
    hashed: bool = False


def parse_packages(entries: Sequence[str]) -> tuple[Requirement, ...]:
    """The packages of ``pip_packages``, each a requirement such as ``requests[socks]==2.32.3``.

    :raises CollectionError: one is none.
    """
    return tuple(_parse_requirement("pip_packages", entry, entry.strip()) for entry in entries)


def parse_requirements_file(content: bytes) -> tuple[Requirement, ...]:
    """The packages of a requirements file.

    :raises CollectionError: it names other files, or has a line that names no package.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CollectionError(f"pip_requirements is no text in UTF-8: {error}. Give a requirements file.") from error
    found = []
    for line in _logical_lines(text):
        if line.startswith("-"):
            _check_option(line)
        else:
            found.append(_parse_requirement("pip_requirements", line, line))
    if not found:
        raise CollectionError("pip_requirements names no package. Give a requirements file with one, or leave it out.")
    return tuple(found)


def require_hashes(requirements: Sequence[Requirement]) -> None:
    """:raises CollectionError: there is none, or one has no hash."""
    if not requirements:
        raise CollectionError(
            "pip_require_hashes is set, and there is no package. Give pip_requirements, or leave pip_require_hashes out."
        )
    without = [requirement.name for requirement in requirements if not requirement.hashed]
    if without:
        raise CollectionError(
            f"pip_require_hashes is set, and {', '.join(without)} {'has' if len(without) == 1 else 'have'} no "
            "--hash=sha256:…. Lock them, as pip-compile --generate-hashes or uv pip compile --generate-hashes does."
        )


def normalised(name: str) -> str:
    """The one form of a package's name: ``Flask_Login`` and ``flask-login`` are the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _logical_lines(text: str) -> Iterator[str]:
    for line in _CONTINUED.sub(" ", text.lstrip("\ufeff")).splitlines():
        stripped = _COMMENT.sub("", line).strip()
        if stripped:
            yield stripped


def _check_option(line: str) -> None:
    _refuse_password("pip_requirements", line)
    option = re.split(r"[=\s]", line, maxsplit=1)[0]
    # Short options may have their value right behind them.
    short = option[:2] if not option.startswith("--") else option
    if short in _OF_OTHER_FILES:
        raise CollectionError(
            f"pip_requirements has the line {line!r}, which names another file, and the build has only this one. Write all "
            "into one file, as pip-compile or uv pip compile does."
        )
    if short not in _FILE_OPTIONS:
        raise CollectionError(
            f"pip_requirements has the line {line!r}, which is neither a package nor one of {', '.join(_FILE_OPTIONS)}."
        )


def _parse_requirement(option: str, shown: str, line: str) -> Requirement:
    _refuse_password(option, line)
    options = [match["name"] for match in _LINE_OPTION.finditer(line)]
    match = _REQUIREMENT.fullmatch(_LINE_OPTION.sub("", line).strip())
    if not match or not line.isprintable() or set(options) - {"hash"}:
        raise CollectionError(
            f"{option} has {shown!r}, which is no package. Write a name and, if need be, a version, such as requests or "
            "requests[socks]==2.32.3; one from an address is name @ https://…."
        )
    return Requirement(match["name"], line, ";" in match["rest"], "hash" in options)


def _refuse_password(option: str, line: str) -> None:
    if _PASSWORD.search(line):
        shown = _PASSWORD.sub("://…@", line)
        raise CollectionError(
            f"{option} has a password in {shown!r}. What is asked for stays on the build host and in reports. Use an index "
            "that needs none, such as a mirror of your own."
        )
