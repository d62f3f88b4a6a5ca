# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source's Dockerfile and the files that are built with it, as a recipe reads them. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import (
    Dockerfile,
    Instruction,
    Stage,
    Step,
    copy_words,
    parse_dockerfile,
)

_NATIVE = "$BUILDPLATFORM"


@dataclass(frozen=True)
class Source:
    """A Dockerfile, and the context it is built with.

    :param number: of the stage that is built.
    :param read: gives the text of a file of the context; None when there is none.
    """

    text: str
    dockerfile: Dockerfile
    build_args: Mapping[str, str]
    number: int
    read: Callable[[str], str | None]

    @property
    def lines(self) -> list[str]:
        """Of the Dockerfile."""
        return self.text.splitlines()

    def stages(self) -> Iterator[tuple[int, Stage]]:
        """Those before the one that is built, with their numbers."""
        yield from enumerate(self.dockerfile.stages[: self.number])

    def steps(self) -> Iterator[tuple[int, Instruction]]:
        """The ``RUN`` instructions of those, with the numbers of their stages."""
        for index, stage in self.stages():
            for instruction in stage.instructions:
                if instruction.keyword == "RUN":
                    yield index, instruction

    def stage_name(self, index: int) -> str:
        """As ``--target`` takes it."""
        return self.dockerfile.stages[index].name or str(index)

    def base_name(self, index: int) -> str:
        """Name of the image that a stage is based on, through others."""
        return self.dockerfile.base_name(self.build_args, self.stage_name(index)) or "scratch"

    def copied(self, index: int, name: str) -> str | None:
        """The text of a file of this name that the stage copies from the context."""
        for instruction in self.dockerfile.stages[index].instructions:
            if instruction.keyword == "COPY" and not instruction.flag("from"):
                for path in copy_words(instruction.value)[:-1]:
                    if posixpath.basename(path) == name:
                        return self.read(posixpath.normpath(path))
        return None

    def inherited_steps(self, index: int) -> list[Step]:
        """The steps of a stage, after those of the stages that it is based on."""
        stages = self.dockerfile.inherited_steps(self.build_args, self.stage_name(index))
        return [step for stage in stages for step in stage]

    def native_from(self, index: int) -> str:
        """The ``FROM`` line of a stage that only the build platform needs."""
        stage = self.dockerfile.stages[index]
        named = {str(earlier.name).lower() for earlier in self.dockerfile.stages[:index]}
        platform = stage.platform or (None if stage.base.lower() in named else _NATIVE)
        words = ["FROM", *([f"--platform={platform}"] if platform else []), stage.base]
        return " ".join([*words, *(["AS", stage.name] if stage.name else [])])

    def body(self, index: int) -> slice:
        """Where the lines of a stage after its ``FROM`` are in :attr:`lines`."""
        following = self.dockerfile.stages[index + 1 :]
        return slice(self.dockerfile.stages[index].line, following[0].line - 1 if following else len(self.lines))


def open_source(
    text: str, build_args: Mapping[str, str], target: str | None, read: Callable[[str], str | None]
) -> Source:
    """:raises CollectionError: a stage is named by its number: stages that a recipe adds change it."""
    dockerfile = parse_dockerfile(text)
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if (instruction.flag("from") or "").isdigit():
                raise CollectionError(
                    f"Line {instruction.line} of the Dockerfile copies from a stage by its number, and the recipe optimised adds "
                    "stages. Give that one a name (FROM … AS name), by a patch where the source is not yours, or build with "
                    "recipe upstream.",
                    dockerfile_line=instruction.line,
                )
    names = [(stage.name or "").lower() for stage in dockerfile.stages]
    number = names.index(target.lower()) if target and target.lower() in names else len(names) - 1
    return Source(text, dockerfile, build_args, number, read)
