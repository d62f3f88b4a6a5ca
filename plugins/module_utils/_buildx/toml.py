# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TOML as buildkitd reads it: a renderer, and a reader for what buildx records.

The standard library has a reader from Python 3.11 on and no writer at all; modules run on 3.9. The reader covers what
buildx writes when it records a configuration (it parses the file and dumps it again with go-toml), which is also all
that the renderer writes: tables, arrays of tables, one-line values. Dates stay text.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping, NoReturn

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(r"'[^']*'")
_WORD = re.compile(r"[^\s,\]}#]+")
_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*")
_FLOAT = re.compile(r"[+-]?(?:\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?|inf|nan)")
_LONG_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")


def render_toml(document: Mapping[str, Any]) -> str:
    """The document as TOML text: scalars before tables, keys quoted where TOML wants it, None left out.

    :param document: of str, bool, int, float, lists and mappings.
    :raises CollectionError: a value that TOML has no form for; the message names its place.
    """
    lines: list[str] = []
    _render_table(document, (), lines)
    return "\n".join(lines).lstrip("\n") + "\n" if lines else ""


def _render_table(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    values = {str(key): value for key, value in table.items() if value is not None}
    for key, value in values.items():
        if not isinstance(value, Mapping) and not _is_table_array(value):
            lines.append(f"{_render_key(key)} = {_render_value(value, (*path, key))}")
    for key, value in values.items():
        inner = (*path, key)
        header = ".".join(map(_render_key, inner))
        if isinstance(value, Mapping):
            lines.extend(("", f"[{header}]"))
            _render_table(value, inner, lines)
        elif _is_table_array(value):
            for item in value:
                lines.extend(("", f"[[{header}]]"))
                _render_table(item, inner, lines)


def _is_table_array(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _render_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _render_string(key)


def _render_string(text: str) -> str:
    # JSON's escapes are TOML's too, except that TOML has no surrogate pairs and forbids a plain DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _render_value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _render_string(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_render_value(item, path) for item in value)}]"
    raise CollectionError(
        f"{'.'.join(path)} is a {type(value).__name__}, and TOML has no form for that here. "
        "Use text, numbers, true or false, lists and dictionaries.",
    )


def parse_toml(text: str) -> dict[str, Any]:
    """Parse what :func:`render_toml` and buildx write.

    :raises CollectionError: the text is none of that; the message has the line.
    """
    return _Reader(text).document()


class _Reader:
    """One pass over the text. ``position`` is the next character that was not read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def document(self) -> dict[str, Any]:
        root: dict[str, Any] = {}
        table = root
        while self._skip_to_content():
            if self._take("[["):
                table = self._open_array(root, self._key_until("]]"))
            elif self._take("["):
                table = self._open_table(root, self._key_until("]"))
            else:
                self._key_value(table)
            self._end_of_line()
        return root

    def _key_value(self, table: dict[str, Any]) -> None:
        *outer, last = self._key_until("=")
        inner = self._open_table(table, outer)
        if last in inner:
            self._fail(f"the key {last} stands twice")
        self._skip_blanks()
        inner[last] = self._value()

    def _open_table(self, table: dict[str, Any], keys: list[str]) -> dict[str, Any]:
        for key in keys:
            found = table.setdefault(key, {})
            table = found[-1] if isinstance(found, list) and found else found
            if not isinstance(table, dict):
                self._fail(f"the key {key} is no table")
        return table

    def _open_array(self, root: dict[str, Any], keys: list[str]) -> dict[str, Any]:
        *outer, last = keys
        array = self._open_table(root, outer).setdefault(last, [])
        if not isinstance(array, list):
            self._fail(f"the key {last} is no array of tables")
        added: dict[str, Any] = {}
        array.append(added)
        return added

    def _key_until(self, end: str) -> list[str]:
        keys = []
        while True:
            self._skip_blanks()
            keys.append(self._key())
            self._skip_blanks()
            if self._take(end):
                return keys
            if not self._take("."):
                self._fail(f"a key without {end}")

    def _key(self) -> str:
        if self.text.startswith(('"', "'"), self.position):
            return self._string()
        return self._match(_BARE_KEY, "a key")

    def _value(self) -> Any:
        if self.text.startswith(('"', "'"), self.position):
            return self._string()
        if self._take("["):
            return self._array()
        if self._take("{"):
            return self._inline_table()
        return self._scalar(self._match(_WORD, "a value"))

    def _array(self) -> list[Any]:
        items: list[Any] = []
        while self._skip_to_content() and not self._take("]"):
            items.append(self._value())
            self._skip_to_content()
            if not self._take(",") and not self.text.startswith("]", self.position):
                self._fail("an array without its end")
        return items

    def _inline_table(self) -> dict[str, Any]:
        table: dict[str, Any] = {}
        while self._skip_to_content() and not self._take("}"):
            self._key_value(table)
            self._skip_blanks()
            if not self._take(",") and not self.text.startswith("}", self.position):
                self._fail("an inline table without its end")
        return table

    def _string(self) -> str:
        if self.text.startswith("'", self.position):
            return self._match(_LITERAL, "a string")[1:-1]
        quoted = self._match(_STRING, "a string")
        try:
            return str(json.loads(_LONG_ESCAPE.sub(lambda match: chr(int(match[1], 16)), quoted), strict=False))
        except (ValueError, OverflowError):
            self._fail(f"{quoted} has an escape that is none")

    @staticmethod
    def _scalar(word: str) -> Any:
        if word in ("true", "false"):
            return word == "true"
        if _INTEGER.fullmatch(word):
            return int(word)
        return float(word) if _FLOAT.fullmatch(word) else word

    def _end_of_line(self) -> None:
        self._skip_blanks()
        if self.position < len(self.text) and self.text[self.position] not in "\r\n#":
            self._fail("more than one thing on a line")

    def _skip_blanks(self) -> None:
        while self.text.startswith((" ", "\t"), self.position):
            self.position += 1

    def _skip_to_content(self) -> bool:
        while self.position < len(self.text):
            if self.text[self.position] == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif self.text[self.position].isspace():
                self.position += 1
            else:
                return True
        return False

    def _take(self, token: str) -> bool:
        found = self.text.startswith(token, self.position)
        self.position += len(token) if found else 0
        return found

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self.text, self.position)
        if not match:
            self._fail(f"{what} is missing")
        self.position = match.end()
        return match[0]

    def _fail(self, why: str) -> NoReturn:
        line = self.text.count("\n", 0, self.position) + 1
        raise CollectionError(f"The BuildKit configuration cannot be read at line {line}: {why}.")
