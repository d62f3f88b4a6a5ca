# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions that a Dockerfile asks of apt. An archive drops them when the next security update arrives. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile

KEEP, RELAX, SNAPSHOT = "keep", "relax", "snapshot"

# A command goes on in the next line after a backslash; comments and empty lines may stand between.
_WORDS = r"(?:\\[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*|[^;&|\n])*"
_INSTALL = re.compile(rf"\bapt(?:-get)?\b{_WORDS}?\binstall\b(?P<words>{_WORDS})")
_PIN = re.compile(
    r"(?P<before>^|\s)(?P<package>[a-z0-9][a-z0-9+.-]+)(?P<architecture>:[a-z0-9]+)?=(?P<version>[^\s\\$\"']+)"
)


def find_pins(text: str) -> tuple[str, ...]:
    """``package=version`` of all ``apt-get install`` lines, in their order. A version that is a variable is no pin."""
    return tuple(_rewritten(text)[1])


def without_pins(text: str) -> str:
    """The Dockerfile with each package that was pinned named alone."""
    return _rewritten(text)[0]


def snapshot_time(seconds: int) -> str:
    """A time as Debian's snapshots are named: ``20250102T030405Z``."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _rewritten(text: str) -> tuple[str, list[str]]:
    lines = text.splitlines(keepends=True)
    found: list[str] = []
    for stage in parse_dockerfile(text).stages:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                step = slice(instruction.line - 1, instruction.end)
                step_text, pins = _without_pins("".join(lines[step]))
                found.extend(pins)
                lines[step] = [step_text, *([""] * (instruction.end - instruction.line))]
    return "".join(lines), found


def _without_pins(step: str) -> tuple[str, list[str]]:
    pins: list[str] = []

    def unpinned(match: re.Match[str]) -> str:
        pins.append(f"{match['package']}{match['architecture'] or ''}={match['version']}")
        return f"{match['before']}{match['package']}{match['architecture'] or ''}"

    def command(match: re.Match[str]) -> str:
        return match[0][: match.start("words") - match.start()] + _PIN.sub(unpinned, match["words"])

    return _INSTALL.sub(command, step), pins
