# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a Dockerfile as far as its inputs need it: stages, bases, arguments and what it copies.

BuildKit itself parses the file to build it; this parser only finds what a build would read, in the same way:
https://docs.docker.com/reference/dockerfile/ (escape directive, continuation lines, heredocs, ARG scopes).
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Iterator, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

_DIRECTIVE = re.compile(r"#\s*(?P<name>[a-zA-Z]+)\s*=\s*(?P<value>.+?)\s*$")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(?P<word>[A-Za-z_][A-Za-z0-9_]*)\1")
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>\S*))?$")
_VARIABLE = re.compile(
    r"\\(?P<escaped>\$)|\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-+?])(?P<word>[^}]*))?\})"
)
_HEREDOC_INSTRUCTIONS = ("ADD", "COPY", "RUN")

#: Arguments that BuildKit sets by itself, before the first ``FROM`` too. A caller that knows them passes them as build args.
PLATFORM_ARGUMENTS = frozenset(
    f"{side}{part}" for side in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION")
)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword in upper case, its ``--flags``, the rest of its line, and where it stands.

    :param line: number of its first line, from 1.
    :param head_end: of the last line that continues it.
    :param end: of the last line of its heredocs; ``head_end`` when it has none.
    """

    keyword: str
    flags: tuple[tuple[str, str], ...]
    value: str
    line: int
    head_end: int = 0
    end: int = 0

    def flag(self, name: str) -> str | None:
        """The value of the first ``--name=…``, or None."""
        return next((value for key, value in self.flags if key == name), None)


@dataclass(frozen=True)
class Stage:
    """``FROM base AS name`` and what follows it.

    :param line: number of the ``FROM`` line, from 1.
    """

    base: str
    name: str | None
    instructions: tuple[Instruction, ...] = ()
    platform: str | None = None
    line: int = 0


@dataclass(frozen=True)
class Step:
    """An instruction, and what ``ARG`` and ``ENV`` lines before it (its base stages' too) make of variables there.

    :param variables: those whose value the text tells. A variable of the base image is not among them.
    """

    instruction: Instruction
    variables: Mapping[str, str]

    def expanded(self, text: str) -> str | None:
        """``text`` with its variables replaced; None when the value of one cannot be told."""
        return _expand(text, self.variables)

    def assignments(self) -> dict[str, str | None]:
        """What an ``ENV`` instruction sets; None for a value that cannot be told."""
        words = _words(self.instruction.value)
        if words and "=" not in words[0]:
            return {words[0]: self.expanded(" ".join(words[1:]))}
        return {name: self.expanded(text) for name, _equals, text in (word.partition("=") for word in words)}


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile.

    :param syntax: the frontend of a ``# syntax=`` line, or None.
    :param arguments: defaults of the global ``ARG`` lines (those before the first ``FROM``).
    :param stages: in their order.
    """

    syntax: str | None
    arguments: Mapping[str, str | None]
    stages: tuple[Stage, ...] = field(default=())

    def base_names(self, build_args: Mapping[str, str], target: str | None = None) -> tuple[str, ...]:
        """Names of the images that the build starts from or copies from, sorted, ``scratch`` and stages left out.

        Covers ``FROM``, ``COPY --from`` and ``RUN --mount=from=``, of the stages that ``target`` reaches.

        :raises CollectionError: a name uses an argument that has no value, or ``target`` is no stage.
        """
        scope = self._global_scope(build_args)
        names: set[str] = set()
        for stage in self._reached(target, scope):
            names.update(self._images_of(stage, self._stage_names(), scope))
        return tuple(sorted(names))

    def base_name(self, build_args: Mapping[str, str], target: str | None = None) -> str | None:
        """Name of the image that the result is built on, through all stages; None for ``scratch``.

        :raises CollectionError: as :meth:`base_names`.
        """
        scope = self._global_scope(build_args)
        base = _expand(self.stages[self._chain(target, scope)[0]].base, scope)
        return None if base == "scratch" else base

    def copied_paths(self, build_args: Mapping[str, str], target: str | None = None) -> tuple[str, ...] | None:
        """Patterns of the context's paths that the build reads, sorted; None when that can't be told from the text."""
        scope = self._global_scope(build_args)
        paths: set[str] = set()
        for stage in self._reached(target, scope):
            local = self._stage_scope(stage, scope, build_args)
            for instruction in stage.instructions:
                found = _context_paths(instruction, local)
                if found is None:
                    return None
                paths.update(found)
        return tuple(sorted(paths))

    def steps(self, build_args: Mapping[str, str], target: str | None = None) -> tuple[tuple[Step, ...], ...]:
        """The steps of the stages that ``target`` reaches, stage by stage."""
        scope = self._global_scope(build_args)
        numbers = [self.stages.index(stage) for stage in self._reached(target, scope)]
        walked = self._walked(build_args, scope)
        return tuple(walked[number] for number in numbers)

    def inherited_steps(self, build_args: Mapping[str, str], target: str | None = None) -> tuple[tuple[Step, ...], ...]:
        """The steps of ``target`` and of the stages that it is based on, stage by stage, its own last."""
        scope = self._global_scope(build_args)
        walked = self._walked(build_args, scope)
        return tuple(walked[number] for number in self._chain(target, scope))

    def _chain(self, target: str | None, scope: Mapping[str, str]) -> list[int]:
        """The stage of ``target`` and those that it is based on, its own last."""
        number: int | None = self._reached_number(target)
        chain: list[int] = []
        while number is not None:
            chain.insert(0, number)
            number = self._parent(number, scope)
        return chain

    def _parent(self, number: int, scope: Mapping[str, str]) -> int | None:
        base = _expand(self.stages[number].base, scope)
        named = {stage.name.lower(): index for index, stage in enumerate(self.stages[:number]) if stage.name}
        return named.get(base.lower()) if base is not None else None

    def _walked(self, build_args: Mapping[str, str], outer: Mapping[str, str]) -> list[tuple[Step, ...]]:
        """The steps of each stage. A stage starts with its base's arguments and environment."""
        ends: list[tuple[dict[str, str], dict[str, str | None]]] = []
        walked = []
        for number, stage in enumerate(self.stages):
            parent = self._parent(number, outer)
            arguments = {} if parent is None else dict(ends[parent][0])
            environment = {} if parent is None else dict(ends[parent][1])
            steps = []
            for instruction in stage.instructions:
                known = {name: value for name, value in {**arguments, **environment}.items() if value is not None}
                step = Step(instruction, known)
                steps.append(step)
                if instruction.keyword == "ARG":
                    for name, default in _arguments(instruction.value):
                        value = build_args.get(name, outer.get(name) if default is None else step.expanded(default))
                        if value is not None:
                            arguments[name] = value
                elif instruction.keyword == "ENV":
                    environment.update(step.assignments())
            ends.append((arguments, environment))
            walked.append(tuple(steps))
        return walked

    def declared_arguments(self, build_args: Mapping[str, str], target: str | None = None) -> frozenset[str]:
        """Names of the ``ARG`` lines that have an effect: in the stages that ``target`` needs, and for their bases.

        Mirrors what ``docker buildx build --call outline`` lists.
        """
        names: set[str] = set()
        used = ""
        for stage in self._reached(target, self._global_scope(build_args)):
            used += f"{stage.base} {stage.platform or ''} "
            for instruction in stage.instructions:
                if instruction.keyword == "ARG":
                    names.update(name for name, _default in _arguments(instruction.value))
        # A later one may be made of earlier ones.
        for name, default in reversed(list(self.arguments.items())):
            if name in names | _variables(used):
                names.add(name)
                used += default or ""
        return frozenset(names)

    def _global_scope(self, build_args: Mapping[str, str]) -> dict[str, str]:
        scope = {name: value for name, value in build_args.items() if name in PLATFORM_ARGUMENTS}
        for name, default in self.arguments.items():
            value = build_args.get(name, None if default is None else _expand(default, scope))
            if value is not None:
                scope[name] = value
        return scope

    @staticmethod
    def _stage_scope(stage: Stage, outer: Mapping[str, str], build_args: Mapping[str, str]) -> dict[str, str]:
        scope: dict[str, str] = {}
        for instruction in stage.instructions:
            if instruction.keyword == "ARG":
                for name, default in _arguments(instruction.value):
                    value = build_args.get(name, outer.get(name) if default is None else _expand(default, scope))
                    if value is not None:
                        scope[name] = value
            elif instruction.keyword == "ENV":
                set_here = Step(instruction, scope).assignments()
                scope.update({name: value or "" for name, value in set_here.items()})
        return scope

    def _stage_names(self) -> dict[str, int]:
        names = {str(number): number for number in range(len(self.stages))}
        names.update({stage.name.lower(): number for number, stage in enumerate(self.stages) if stage.name})
        return names

    def _reached(self, target: str | None, scope: Mapping[str, str]) -> list[Stage]:
        names = self._stage_names()
        reached: set[int] = set()
        waiting = [self._reached_number(target)]
        while waiting:
            number = waiting.pop()
            if number not in reached:
                reached.add(number)
                waiting.extend(self._stages_used_by(number, names, scope))
        return [self.stages[number] for number in sorted(reached)]

    def _reached_number(self, target: str | None) -> int:
        if target is None:
            return len(self.stages) - 1
        names = self._stage_names()
        if target.lower() not in names:
            raise CollectionError(
                f"The Dockerfile has no stage {target!r}. Its stages are "
                f"{', '.join(stage.name for stage in self.stages if stage.name) or 'without names'}.",
                target=target,
            )
        return names[target.lower()]

    def _stages_used_by(self, number: int, names: Mapping[str, int], scope: Mapping[str, str]) -> Iterator[int]:
        parent = self._parent(number, scope)
        if parent is not None:
            yield parent
        for name in _sources(self.stages[number]):
            if name.lower() in names:
                yield names[name.lower()]

    @staticmethod
    def _images_of(stage: Stage, names: Mapping[str, int], scope: Mapping[str, str]) -> Iterator[str]:
        base = _expand(stage.base, scope)
        if base is None:
            raise CollectionError(
                f"FROM {stage.base} uses an argument that has no value. Give it in args.", dockerfile_line=stage.base
            )
        if base.lower() not in names and base != "scratch":
            yield base
        for name in _sources(stage):
            if name.lower() not in names and name != "scratch":
                yield name


def parse_dockerfile(text: str) -> Dockerfile:
    """Parse the text of a Dockerfile.

    :raises CollectionError: it has no ``FROM``, or a line that no Dockerfile can have.
    """
    syntax, escape = _directives(text)
    arguments: dict[str, str | None] = {}
    stages: list[tuple[str, str | None, str | None, int, list[Instruction]]] = []
    for instruction in _instructions(text, escape):
        if instruction.keyword == "FROM":
            words = instruction.value.split()
            if not words or len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
                raise CollectionError(f"Line {instruction.line} of the Dockerfile is not FROM image [AS name].")
            name = words[2] if len(words) == 3 else None
            stages.append((words[0], name, dict(instruction.flags).get("platform"), instruction.line, []))
        elif stages:
            stages[-1][-1].append(instruction)
        elif instruction.keyword == "ARG":
            arguments.update(_arguments(instruction.value))
        else:
            raise CollectionError(
                f"Line {instruction.line} of the Dockerfile has {instruction.keyword} before the first FROM."
            )
    if not stages:
        raise CollectionError("The Dockerfile has no FROM line.")
    return Dockerfile(
        syntax,
        arguments,
        tuple(Stage(base, name, tuple(body), platform, line) for base, name, platform, line, body in stages),
    )


def environment_lines(environment: Mapping[str, str]) -> list[str]:
    """``ENV`` lines that set each variable to exactly its value: nothing in it is replaced."""
    return [f"ENV {name}={_quoted(value)}" for name, value in environment.items()]


def _quoted(value: str) -> str:
    return '"' + "".join(f"\\{character}" if character in '\\"$' else character for character in value) + '"'


def without_syntax(text: str) -> str:
    """The text with its ``# syntax=`` line emptied, so that BuildKit reads the file itself. Lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        match = _DIRECTIVE.match(line.strip())
        if not match:
            break
        if match["name"].lower() == "syntax":
            lines[number] = "# \n"
    return "".join(lines)


def _directives(text: str) -> tuple[str | None, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _DIRECTIVE.match(line.strip())
        if not match:
            break
        found.setdefault(match["name"].lower(), match["value"])
    return found.get("syntax"), found.get("escape", "\\")


def _instructions(text: str, escape: str) -> Iterator[Instruction]:
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        logical = line.strip()
        head_end = number
        while logical.endswith(escape):
            logical = logical[: -len(escape)]
            head_end, following = next(
                ((at, text) for at, text in lines if not text.lstrip().startswith("#")), (head_end, None)
            )
            if following is None:
                break
            logical += following.rstrip()
        end = head_end
        keyword, _space, rest = logical.partition(" ") if " " in logical else logical.partition("\t")
        keyword = keyword.upper()
        if keyword in _HEREDOC_INSTRUCTIONS:
            for heredoc in _HEREDOC.finditer(rest):
                end = next((at for at, body in lines if body.strip() == heredoc["word"]), end)
        flags, value = _split_flags(rest.strip())
        yield Instruction(keyword, flags, value, number, head_end, end)


def _split_flags(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags = []
    while rest.startswith("--"):
        word, _space, remaining = rest.partition(" ")
        match = _FLAG.match(word)
        if not match:
            break
        flags.append((match["name"], match["value"] or ""))
        rest = remaining.lstrip()
    return tuple(flags), rest


def _arguments(value: str) -> list[tuple[str, str | None]]:
    pairs: list[tuple[str, str | None]] = []
    for word in _words(value):
        name, equals, default = word.partition("=")
        pairs.append((name, default if equals else None))
    return pairs


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value, posix=True)
    except ValueError:
        return value.split()


def _variables(text: str) -> set[str]:
    """Names of the variables in a text."""
    return {match["plain"] or match["name"] for match in _VARIABLE.finditer(text) if not match["escaped"]}


def _expand(text: str, scope: Mapping[str, str]) -> str | None:
    """``text`` with its variables replaced; None when one has no value (as platform arguments have none here)."""
    unknown = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal unknown
        if match["escaped"]:
            return "$"
        name, operator, word = match["plain"] or match["name"], match["operator"] or "", match["word"] or ""
        value = scope.get(name)
        given = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return word if given else ""
        if operator.endswith("-") and not given:
            return word
        if value is None:
            unknown = True
        return value or ""

    expanded = _VARIABLE.sub(replaced, text)
    return None if unknown else expanded


def _mounts(instruction: Instruction) -> Iterator[dict[str, str]]:
    for name, value in instruction.flags:
        if name == "mount":
            pairs = (part.partition("=") for part in value.split(",") if part)
            yield {key: text if equals else "true" for key, equals, text in pairs}


def _sources(stage: Stage) -> Iterator[str]:
    """Names after ``--from=`` and ``--mount=…,from=`` in a stage."""
    for instruction in stage.instructions:
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from"):
            yield str(instruction.flag("from"))
        for mount in _mounts(instruction) if instruction.keyword == "RUN" else ():
            if mount.get("from"):
                yield mount["from"]


def _context_paths(instruction: Instruction, scope: Mapping[str, str]) -> list[str] | None:
    """Patterns of context paths that one instruction reads; None when they can't be told."""
    if instruction.keyword == "RUN":
        bound = [m for m in _mounts(instruction) if m.get("type", "bind") == "bind" and not m.get("from")]
        patterns = [_expand(mount.get("source", mount.get("src", ".")), scope) for mount in bound]
    elif instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
        words = copy_words(instruction.value)
        patterns = [_expand(word, scope) for word in words[:-1] if not word.startswith("<<")]
        patterns = [p for p in patterns if p is None or not re.match(r"(https?|git|ssh)://|git@", p)]
    else:
        return []
    if any(pattern is None for pattern in patterns):
        return None
    return [_normalised(pattern) for pattern in patterns if pattern is not None]


def exec_form(value: str) -> tuple[str, ...] | None:
    """The words of an instruction in its JSON form; None when it is in the shell form."""
    try:
        words = json.loads(value)
    except ValueError:
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def copy_words(value: str) -> list[str]:
    """The words of ``COPY`` or ``ADD`` in either form, the destination last."""
    if value.startswith("["):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if isinstance(parsed, list):
            return [str(word) for word in parsed]
    return _words(value)


def _normalised(pattern: str) -> str:
    parts = [part for part in pattern.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts) or "."
