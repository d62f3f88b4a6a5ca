# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of ``KEY=value`` lines as Compose reads them, read and written with all else in them kept. Pure.

Grammar: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: A line that sets something. ``export`` is taken, as Compose takes it.
_LINE = re.compile(r"^\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*[=:](?P<value>.*)$", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse_environment(text: str) -> dict[str, str]:
    """The values by key; of a key that is set twice the last one, as for Compose.

    References such as ``${DB_PASSWORD}`` stay as they are written. A value over several lines is not read.
    """
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            found[match["key"]] = _value(match["value"].strip())
    return found


def with_values(text: str, values: Mapping[str, str], heading: str) -> str:
    """``text`` with ``values`` in the place of its own; what it does not set comes at the end, below ``# heading``.

    :raises CollectionError: a key or a value cannot be written on a line.
    """
    lines, written = [], set()
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match["key"] in values:
            line = line_of(match["key"], values[match["key"]])
            written.add(match["key"])
        lines.append(line)
    rest = [line_of(key, value) for key, value in sorted(values.items()) if key not in written]
    if rest:
        lines += ["", f"# {heading}", *rest]
    return "\n".join(lines).lstrip("\n") + "\n"


def line_of(key: str, value: str) -> str:
    """``KEY=value``, quoted so that Compose reads exactly ``value``: nothing in it is replaced.

    :raises CollectionError: the key is none, or the value has several lines.
    """
    if not _KEY.fullmatch(key):
        raise CollectionError(f"{key!r} is no name of an environment variable. Use letters, digits and underscores.")
    if "\n" in value or "\r" in value:
        raise CollectionError(
            f"The value of {key} has several lines, which an environment file cannot hold. Use one line."
        )
    if _PLAIN.fullmatch(value):
        return f"{key}={value}"
    if "'" not in value:
        return f"{key}='{value}'"
    escaped = re.sub(r'([\\"$])', r"\\\1", value)
    return f'{key}="{escaped}"'


def references(text: str) -> tuple[set[str], dict[str, str]]:
    """What a Compose file takes from its environment: the names, and by name what it takes without one.

    ``$$`` is a dollar sign. A default that has a reference in it is not told.
    """
    names: set[str] = set()
    defaults: dict[str, str] = {}
    for match in re.finditer(
        r"\$(?:\$|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::?-(?P<default>[^${}]*)\})?)", text
    ):
        name = match["bare"] or match["name"]
        if name:
            names.add(name)
            if match["default"]:
                defaults.setdefault(name, match["default"])
    return names, defaults


def _value(raw: str) -> str:
    if raw[:1] in ("'", '"'):
        quote = raw[0]
        match = re.match(rf"{quote}((?:\\.|[^{quote}\\])*){quote}", raw)
        if match:
            return _unquoted(match[1], quote)
    # A comment begins after a space.
    return re.split(r"\s#", f" {raw}", maxsplit=1)[0].strip()


def _unquoted(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("\\'", "'")
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)
