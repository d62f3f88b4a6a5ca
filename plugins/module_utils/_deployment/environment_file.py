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
#: What an escaped dollar sign is until references are replaced. No file holds it.
_DOLLAR = "\0"
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": _DOLLAR}
_REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?-)(?P<default>(?:[^{}]|\$\{[^{}]*\})*))?\})"
)


def parse_environment(text: str) -> dict[str, str]:
    """The values by key; of a key that is set twice the last one, as for Compose.

    References such as ``${DB_PASSWORD}`` stay as they are written. A value over several lines is not read.
    """
    return {key: value.replace(_DOLLAR, "$") for key, value, _is_literal in _read(text)}


def resolve_environment(*texts: str) -> dict[str, str]:
    """The values of files together, a later one's before an earlier one's, with ``${KEY}`` replaced by KEY's value.

    As Compose does it: KEY counts as it was set before that line, what is in single quotes is literal, ``$$`` is a dollar
    sign, and what is not set is empty.
    """
    found: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, operator = match["bare"] or match["name"], match["operator"]
        value = found.get(name, "")
        if (operator == ":-" and not value) or (operator == "-" and name not in found):
            return _REFERENCE.sub(replaced, match["default"])
        return value

    for text in texts:
        for key, value, is_literal in _read(text):
            found[key] = (value if is_literal else _REFERENCE.sub(replaced, value)).replace(_DOLLAR, "$")
    return found


def with_values(text: str, values: Mapping[str, str], heading: str) -> str:
    """``text`` with ``values`` in the place of its own; what it does not set comes at the end, below ``# heading``.

    :raises CollectionError: a key or a value cannot be written on a line.
    """
    lines, written = [], set()
    for line in _lines(text):
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
    if "'" not in value and not value.endswith("\\"):
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


def _lines(text: str) -> list[str]:
    """As Compose has them: other characters that end a line elsewhere are part of one."""
    return [line.rstrip("\r") for line in text.rstrip("\n").split("\n")]


def _read(text: str) -> list[tuple[str, str, bool]]:
    """Keys and values, and whether nothing in a value is replaced."""
    matches = filter(None, map(_LINE.match, _lines(text)))
    return [(match["key"], *_value(match["value"].strip())) for match in matches]


def _value(raw: str) -> tuple[str, bool]:
    if raw[:1] in ("'", '"'):
        quote = raw[0]
        match = re.match(rf"{quote}((?:\\.|[^{quote}\\])*){quote}", raw)
        if match:
            return _unquoted(match[1], quote), quote == "'"
    # A comment begins after a space.
    return re.split(r"\s#", f" {raw}", maxsplit=1)[0].strip(), False


def _unquoted(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("\\'", "'")
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text)
