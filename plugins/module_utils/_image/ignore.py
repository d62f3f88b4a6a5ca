# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``.dockerignore`` rules, read as BuildKit reads them.

Mirrors github.com/moby/patternmatcher (MatchesUsingParentResults, which BuildKit's file walk uses) and its ignorefile
reader: patterns apply in order, the last one that matches a path or one of its parents wins, ``!`` makes an exception,
``**`` crosses folders. A test compares the outcome with BuildKit's own over generated trees and patterns.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@dataclass(frozen=True)
class IgnorePattern:
    """One line of an ignore file: what it matches, and whether it makes an exception (``!``)."""

    text: str
    exception: bool
    expression: re.Pattern[str]


@dataclass(frozen=True)
class IgnoreRules:
    """The patterns of an ignore file, in order."""

    patterns: tuple[IgnorePattern, ...] = ()

    def excludes(self, path: str) -> bool:
        """Whether the file or link at ``path`` (relative, with ``/``) is left out of the context."""
        matched, inherited = False, (False,) * len(self.patterns)
        for part in _with_parents(path):
            matched, inherited = self._match(part, inherited)
        return matched

    def _match(self, path: str, inherited: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        """Whether a path is left out, and which patterns matched it, given which matched its parent folder.

        A pattern that cannot change the outcome so far is not tried, so an exception for a folder that was not left out
        does not reach what is below it.
        """
        matched = False
        matches = []
        for pattern, match in zip(self.patterns, inherited):
            if not match and pattern.exception == matched:
                match = pattern.expression.fullmatch(path) is not None
            matches.append(match)
            if match:
                matched = not pattern.exception
        return matched, tuple(matches)

    @property
    def is_whitelist(self) -> bool:
        """Whether everything is left out but for exceptions: the first pattern takes all."""
        return bool(self.patterns) and self.patterns[0].text in ("*", "**") and not self.patterns[0].exception


def parse_ignore(text: str) -> IgnoreRules:
    """Parse the text of an ignore file.

    :raises CollectionError: a pattern is malformed, such as ``[a-``.
    """
    return IgnoreRules(tuple(_patterns(text)))


def _patterns(text: str) -> Iterable[IgnorePattern]:
    for number, line in enumerate(text.lstrip("\ufeff").split("\n")):
        line = line.rstrip("\r")
        if line.startswith("#"):
            continue
        pattern = line.strip()
        exception = pattern.startswith("!")
        if exception:
            pattern = pattern[1:].strip()
        if not pattern:
            if exception:
                raise CollectionError(
                    f"Line {number + 1} of the ignore file is an exception without a pattern: {line!r}."
                )
            continue
        cleaned = posixpath.normpath(pattern.replace("\\\\", "\\"))
        cleaned = cleaned.lstrip("/") if len(cleaned) > 1 else cleaned
        if cleaned in (".", "/"):
            continue
        yield IgnorePattern(cleaned, exception, _compile(cleaned, number + 1))


def _compile(pattern: str, line: int) -> re.Pattern[str]:
    """The regular expression that patternmatcher makes of ``pattern``."""
    expression = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            if pattern[position : position + 1] == "*":
                position += 1
                if pattern[position : position + 1] == "/":
                    position += 1
                expression += ".*" if position >= len(pattern) else "(.*/)?"
            else:
                expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "\\" and position < len(pattern):
            expression += re.escape(pattern[position])
            position += 1
        elif character == "[":
            end = _class_end(pattern, position)
            if end is None:
                raise CollectionError(f"Line {line} of the ignore file has a malformed pattern: {pattern!r}.")
            expression += f"[{_class_body(pattern[position:end])}]"
            position = end + 1
        else:
            expression += re.escape(character)
    try:
        return re.compile(expression, re.DOTALL)
    except re.error as error:
        raise CollectionError(
            f"Line {line} of the ignore file has a malformed pattern: {pattern!r} ({error})."
        ) from error


def _class_end(pattern: str, start: int) -> int | None:
    end = pattern.find("]", start + 1 if pattern[start : start + 1] == "^" else start)
    return None if end <= start else end


def _class_body(body: str) -> str:
    negated = body.startswith("^")
    inner = re.sub(r"([\[&~|])", r"\\\1", body[1:] if negated else body)
    return f"^{inner}" if negated else inner


def _with_parents(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[: count + 1]) for count in range(len(parts)))
