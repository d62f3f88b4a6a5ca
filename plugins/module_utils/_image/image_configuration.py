# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Dockerfile leaves in the configuration of its image, as far as its text tells. Pure.

What its base image says is not known here, so it is left out: a user that no line names is the base's, and root as a rule.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import Dockerfile, Step, exec_form

_SHELL = ("/bin/sh", "-c")
_PORTS = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/\w+)?$")


@dataclass(frozen=True)
class ImageConfiguration:
    """User, folder, programs, ports and environment of an image.

    :param user: as ``USER`` names it; empty when no line does.
    :param workdir: absolute; empty when no line sets it.
    :param environment: variables whose value the text tells. One that holds a build argument without a default is left out.
    """

    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    exposes: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def find_configuration(
    dockerfile: Dockerfile, build_args: Mapping[str, str], target: str | None = None
) -> ImageConfiguration:
    """The configuration of the image that a build of ``target`` gives (by default the last stage)."""
    draft = _Draft()
    for steps in dockerfile.inherited_steps(build_args, target):
        draft.own_command = False
        for step in steps:
            draft.take(step)
    environment = {name: value for name, value in draft.environment.items() if value is not None}
    return ImageConfiguration(
        draft.user, draft.workdir, draft.entrypoint, draft.command, tuple(sorted(draft.exposes)), environment
    )


class _Draft:
    """What the lines so far make of the configuration."""

    def __init__(self) -> None:
        self.user = ""
        self.workdir = ""
        self.shell: tuple[str, ...] = _SHELL
        self.entrypoint: tuple[str, ...] = ()
        self.command: tuple[str, ...] = ()
        self.own_command = False
        self.exposes: set[int] = set()
        self.environment: dict[str, str | None] = {}

    def take(self, step: Step) -> None:
        keyword, value = step.instruction.keyword, step.instruction.value.strip()
        if keyword == "USER":
            self.user = step.expanded(value) or value
        elif keyword == "WORKDIR":
            self.workdir = posixpath.normpath(posixpath.join(self.workdir or "/", step.expanded(value) or value))
        elif keyword == "EXPOSE":
            for word in value.split():
                self.exposes.update(_ports(step.expanded(word) or ""))
        elif keyword == "ENV":
            self.environment.update(step.assignments())
        else:
            self._take_program(keyword, value)

    def _take_program(self, keyword: str, value: str) -> None:
        if keyword == "SHELL":
            self.shell = exec_form(value) or self.shell
        elif keyword == "CMD":
            self.command = self._program(value)
            self.own_command = True
        elif keyword == "ENTRYPOINT":
            self.entrypoint = self._program(value)
            # A command of the base was meant for the base's entry point.
            if not self.own_command:
                self.command = ()

    def _program(self, value: str) -> tuple[str, ...]:
        words = exec_form(value)
        return (*self.shell, value) if words is None else words


def _ports(word: str) -> range:
    match = _PORTS.match(word)
    if not match:
        return range(0)
    first = int(match["first"])
    return range(first, min(int(match["last"] or first), 65535) + 1)
