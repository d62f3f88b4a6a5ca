# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last stage of a Dockerfile, taken apart: what it sets, what it copies, and what it runs. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import Collection, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import (
    Dockerfile,
    Instruction,
    Step,
    copy_words,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.image_configuration import (
    ImageConfiguration,
    find_configuration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import StepEffects, effects_of_step

_ARGUMENT = re.compile(r"\s*ARG\s+(?P<name>\w+)(?:=.*)?", re.IGNORECASE)
# USER, ENTRYPOINT, CMD and HEALTHCHECK are written anew.
_SETTINGS = ("ARG", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "VOLUME", "WORKDIR")


@dataclass(frozen=True)
class Copy:
    """A ``COPY`` or ``ADD``.

    :param source: the stage or image that it copies from; None for the context.
    :param paths: what it copies.
    :param destination: absolute, with a slash at its end where it is a folder.
    :param mode: value of ``--chmod``; None without one.
    :param body: lines of its heredocs.
    """

    keyword: str
    source: str | None
    paths: tuple[str, ...]
    destination: str
    mode: str | None = None
    body: tuple[str, ...] = ()

    def line(self, destination: str) -> str:
        """The instruction with another destination. Who owns what is the recipe's to say."""
        flags = [f"--from={self.source}"] if self.source else []
        flags += [f"--chmod={self.mode}"] if self.mode else []
        words = [*self.paths, destination]
        text = json.dumps(words) if not self.body and any(" " in word for word in words) else " ".join(words)
        return "\n".join((" ".join((self.keyword, *flags, text)), *self.body))


@dataclass(frozen=True)
class LeftStep:
    """A step whose commands are none of those that are known.

    :param commands: of a ``RUN`` without options; empty for one that has some, or a heredoc.
    :param settings: lines of ``ARG``, ``ENV`` and ``WORKDIR`` before it.
    """

    commands: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class FinalStage:
    """What the last stage and those that it is based on make of the image.

    :param base: name of the image that it starts from.
    :param parts: lines of instructions that set its configuration, and of steps that are left, in their order. Each has the
        step that it belongs to, or None.
    :param effects: what its other steps do.
    """

    base: str
    parts: tuple[tuple[str, LeftStep | None], ...]
    copies: tuple[Copy, ...]
    effects: StepEffects
    configuration: ImageConfiguration

    @property
    def left(self) -> tuple[LeftStep, ...]:
        """The steps that are left, in their order."""
        return tuple(dict.fromkeys(step for _line, step in self.parts if step is not None))

    def lines(self, without: Collection[LeftStep] = ()) -> list[str]:
        """What the image's stage has of it.

        :param without: steps that are done elsewhere.
        """
        return without_idle_arguments([line for line, step in self.parts if step is None or step not in without])


@dataclass
class _Draft:
    parts: list[tuple[str, LeftStep | None]] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    effects: StepEffects = field(default_factory=StepEffects)
    workdir: str = ""

    def take(self, step: Step, text: list[str]) -> None:
        """:param text: the lines that the instruction stands on."""
        instruction = step.instruction
        if instruction.keyword == "WORKDIR":
            self.workdir = posixpath.normpath(posixpath.join(self.workdir or "/", _expanded(step, instruction.value)))
        if instruction.keyword in _SETTINGS:
            self.parts += [(line, None) for line in text]
            self.settings += text if instruction.keyword in ("ARG", "ENV", "WORKDIR") else []
        elif instruction.keyword in ("COPY", "ADD"):
            self.copies.append(_copy(step, text, self.workdir))
        elif instruction.keyword == "RUN":
            effects = _effects(step, self.workdir)
            if effects is None:
                left = LeftStep(instruction.value if _is_plain(instruction) else "", tuple(self.settings))
                self.parts += [(line, left) for line in text]
            else:
                self.effects.add(effects)


def read_final_stage(
    text: str, dockerfile: Dockerfile, build_args: Mapping[str, str], target: str | None
) -> FinalStage:
    """The final stage of a Dockerfile.

    :param text: the Dockerfile's.
    :raises CollectionError: its base has no name, or a ``COPY`` goes where the text does not tell.
    """
    base = dockerfile.base_name(build_args, target)
    if base is None:
        raise CollectionError("The recipe optimised needs an image that the last stage is built on, and it is scratch.")
    file_lines = text.splitlines()
    draft = _Draft()
    for steps in dockerfile.inherited_steps(build_args, target):
        for step in steps:
            draft.take(step, file_lines[step.instruction.line - 1 : step.instruction.end])
    return FinalStage(
        base,
        tuple(draft.parts),
        tuple(draft.copies),
        draft.effects,
        find_configuration(dockerfile, build_args, target),
    )


def without_idle_arguments(lines: Sequence[str]) -> list[str]:
    """Lines of a stage without an ``ARG`` that only a step used that is not run: giving it a value would do nothing."""
    kept = []
    for number, line in enumerate(lines):
        match = _ARGUMENT.fullmatch(line)
        if match is None or any(re.search(rf"\$\{{?{match['name']}\b", other) for other in lines[number + 1 :]):
            kept.append(line)
    return kept


def _effects(step: Step, workdir: str) -> StepEffects | None:
    instruction = step.instruction
    if not _is_plain(instruction):
        return None
    value = step.expanded(instruction.value)
    return None if value is None else effects_of_step(value, workdir)


def _is_plain(instruction: Instruction) -> bool:
    """Whether a ``RUN`` has commands for a shell and nothing else."""
    return not instruction.flags and not _has_body(instruction) and not instruction.value.lstrip().startswith("[")


def _copy(step: Step, text: list[str], workdir: str) -> Copy:
    instruction = step.instruction
    words = [_expanded(step, word) for word in copy_words(instruction.value)]
    destination = posixpath.normpath(posixpath.join(workdir or "/", words[-1]))
    if words[-1].endswith(("/", "/.")) or words[-1] == "." or len(words) > 2:
        destination = destination.rstrip("/") + "/"
    return Copy(
        instruction.keyword,
        instruction.flag("from"),
        tuple(words[:-1]),
        destination,
        instruction.flag("chmod"),
        tuple(text[len(text) - (instruction.end - instruction.head_end) :]) if _has_body(instruction) else (),
    )


def _has_body(instruction: Instruction) -> bool:
    return instruction.end > instruction.head_end


def _expanded(step: Step, text: str) -> str:
    value = step.expanded(text)
    if value is None:
        raise CollectionError(
            f"Line {step.instruction.line} of the Dockerfile uses a variable whose value its text does not tell: {text}. The "
            "recipe optimised has to know it. Build with recipe upstream, or give the variable in args.",
            dockerfile_line=step.instruction.line,
        )
    return value
