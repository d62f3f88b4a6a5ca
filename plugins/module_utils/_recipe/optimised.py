# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recipe ``optimised``: another Dockerfile for the image that a source's own Dockerfile gives. Pure.

Everything runs on the build platform; only files are of the target's. What the source's Dockerfile says stays what decides:
its stages, the options of its package manager, what its last stage copies, sets and starts.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import (
    Dockerfile,
    Instruction,
    Stage,
    copy_words,
    parse_dockerfile,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import (
    health_check,
    node_modules,
    python_packages,
    root,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import MARK
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.final_stage import (
    Copy,
    FinalStage,
    read_final_stage,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_lock import (
    LockedPackage,
    compiled_packages,
    installed_groups,
    optional_groups,
    parse_lock,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_packages import Installation
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import (
    OUT,
    is_tool_step,
    out_path,
)

#: Values of the option ``recipe``.
UPSTREAM, OPTIMISED = "upstream", "optimised"
RECIPES = (UPSTREAM, OPTIMISED)

_PROGRAM_STAGE = "imagefleet-program"
_NATIVE = "$BUILDPLATFORM"
_LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock"}
_PYTHON_IN_NAME = re.compile(r"python:(?P<version>3\.\d+)")
_RUN = re.compile(r"^\s*RUN\s*", re.IGNORECASE)
_BUNDLE = re.compile(r"(?:^|[;&\s])(?:npm|yarn|pnpm)\s(?:[^;&|]*\s)?build(?:[:\s]|$)")
# Of a source's folder, what no program reads. BuildKit leaves out what the ignore file names.
_UNREAD = (
    ".git",
    ".github",
    ".vscode",
    "tests",
    "docs",
    "Dockerfile",
    "Dockerfile.dockerignore",
    ".dockerignore",
    "README.md",
)


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile, and what is known of its build.

    :param compiled: by architecture, packages (``name==version``) that are compiled where the image runs.
    """

    text: str
    compiled: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Wanted:
    """What the user says of the recipe.

    :param architectures: that are built for.
    :param build_on_target: names of Python packages whose source has code that is compiled.
    """

    architectures: tuple[str, ...] = ()
    build_on_target: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Source:
    """A Dockerfile, and the files that are built with it.

    :param number: of the stage that is built.
    """

    text: str
    dockerfile: Dockerfile
    build_args: Mapping[str, str]
    number: int
    read: Callable[[str], str | None]

    def installations(self) -> dict[int, tuple[Instruction, Installation]]:
        """By the number of the stage, the step that installs Python packages."""
        found = {}
        for index, stage in enumerate(self.dockerfile.stages[: self.number]):
            for instruction in stage.instructions:
                known = python_packages.find_installation(instruction.value) if instruction.keyword == "RUN" else None
                if known:
                    found[index] = (instruction, known)
        return found

    def copied(self, index: int, name: str) -> str | None:
        """The text of a file of this name that the stage copies from the context."""
        for instruction in self.dockerfile.stages[index].instructions:
            if instruction.keyword == "COPY" and not instruction.flag("from"):
                for path in copy_words(instruction.value)[:-1]:
                    if posixpath.basename(path) == name:
                        return self.read(posixpath.normpath(path))
        return None


@dataclass(frozen=True)
class _Kind:
    """What the stages before the last one make, and how the image is finished for it.

    :param stages: their lines.
    :param copied_apart: stages whose files the image takes as they are.
    :param finish: shell script over :data:`OUT`; ``for_target`` when it does something else for each platform.
    """

    stages: tuple[str, ...]
    copied_apart: frozenset[str]
    finish: str
    tidy: tuple[str, ...]
    check: str
    for_target: bool = False


def optimised_dockerfile(
    text: str,
    build_args: Mapping[str, str],
    target: str | None = None,
    read: Callable[[str], str | None] = lambda _path: None,
    wanted: Wanted = Wanted(),
) -> Recipe:
    """The recipe's Dockerfile.

    :param text: the source's own.
    :param target: the stage that is built; None for the last one.
    :param read: gives the text of a file of the context; None when there is none.
    :raises CollectionError: it installs no Python packages and builds no pages, or does so in a way that is not known here.
    """
    dockerfile = parse_dockerfile(text)
    source = _Source(text, dockerfile, build_args, _final_number(dockerfile, target), read)
    final = read_final_stage(text, dockerfile, build_args, target)
    compiled = find_compiled(source, wanted)
    kind = _python(source, final, compiled) or _web(source, final)
    if kind is None:
        raise CollectionError(
            "The recipe optimised is for a Dockerfile that installs Python packages (uv sync, poetry install or pip install -r) "
            "or builds pages (npm, yarn or pnpm build) in a stage before its last one. Build this image with recipe upstream."
        )
    packages = tuple(dict.fromkeys(final.effects.packages))
    lines = [
        "# Made by imagefleet.dify: recipe optimised.",
        *(
            f"ARG {name}" if default is None else f"ARG {name}={default}"
            for name, default in dockerfile.arguments.items()
        ),
        *kind.stages,
        "",
        *root.root_stages(final.base, packages, kind.tidy, kind.check),
        "",
        *_program_stage(final, kind),
        "",
        *_last_stage(final, kind, bool(packages)),
    ]
    names = {
        architecture: tuple(f"{package.name}=={package.version}" for package in found)
        for architecture, found in compiled.items()
    }
    return Recipe("\n".join(lines) + "\n", names)


def find_compiled(source: _Source, wanted: Wanted) -> dict[str, tuple[LockedPackage, ...]]:
    """By architecture, packages of the source's lock that have to be compiled; none where it has no lock that tells."""
    found: dict[str, tuple[LockedPackage, ...]] = {}
    for index, (_instruction, installation) in source.installations().items():
        lock = source.copied(index, _LOCKS.get(installation.manager, ""))
        if lock is None:
            continue
        project = source.copied(index, "pyproject.toml") or ""
        base = source.dockerfile.base_name(source.build_args, source.dockerfile.stages[index].name or str(index)) or ""
        version = _PYTHON_IN_NAME.search(base)
        for architecture in wanted.architectures:
            found[architecture] = compiled_packages(
                parse_lock(lock),
                architecture,
                version["version"] if version else None,
                wanted.build_on_target,
                optional_groups(project),
            )
    return found


def _final_number(dockerfile: Dockerfile, target: str | None) -> int:
    names = [(stage.name or "").lower() for stage in dockerfile.stages]
    return names.index(target.lower()) if target and target.lower() in names else len(names) - 1


def _python(source: _Source, final: FinalStage, compiled: Mapping[str, Sequence[LockedPackage]]) -> _Kind | None:
    text, dockerfile = source.text, source.dockerfile
    installations = source.installations()
    if not installations:
        return None
    environment = final.configuration.environment.get("VIRTUAL_ENV")
    if not environment:
        raise CollectionError(
            "The recipe optimised needs VIRTUAL_ENV in the last stage, the folder of its Python packages. Build this image with "
            "recipe upstream."
        )
    uv_version = final.configuration.environment.get("UV_VERSION")
    lines: list[str] = []
    has_compiled = any(compiled.values())
    for index, stage in enumerate(dockerfile.stages[: source.number]):
        before, after = _stage_lines(text, dockerfile, index)
        if index in installations:
            instruction, installation = installations[index]
            python_packages.check_known(installation)
            groups = installed_groups(source.copied(index, "pyproject.toml") or "")
            installation = python_packages.with_groups(installation, groups)
            body = text.splitlines()
            script = python_packages.install_script(installation, environment, compiled)
            if has_compiled:
                lines += [*_compiled_stage(source, index, instruction, compiled), ""]
            lines += [
                before,
                *python_packages.tool_steps(installation, uv_version),
                *body[stage.line : instruction.line - 1],
                "ARG TARGETARCH",
                *root.heredoc_step(script, python_packages.mounts(has_compiled)),
                *body[instruction.end : _end(text, dockerfile, index)],
            ]
        else:
            lines += [before, *after]
    finish = _compiled(final)
    names = {str(dockerfile.stages[index].name) for index in installations}
    check = health_check.python_check(final.configuration.exposes, final.configuration.environment)
    return _Kind(tuple(lines), frozenset(names), finish, _PYTHON_TIDY, check)


def _compiled_stage(
    source: _Source, index: int, installation: Instruction, compiled: Mapping[str, Sequence[LockedPackage]]
) -> list[str]:
    """What the source does before it installs, without its files and tools, and the wheels."""
    target = source.dockerfile.stages[index].name or str(index)
    lines = source.text.splitlines()
    steps: list[str] = []
    for step in (step for stage in source.dockerfile.inherited_steps(source.build_args, target) for step in stage):
        instruction = step.instruction
        if instruction == installation:
            break
        if instruction.keyword in ("ARG", "ENV", "WORKDIR") or (
            instruction.keyword == "RUN" and not is_tool_step(step.expanded(instruction.value) or instruction.value)
        ):
            steps += lines[instruction.line - 1 : instruction.end]
    base = source.dockerfile.base_name(source.build_args, target) or "scratch"
    return python_packages.compiled_stage(base, steps, compiled)


def _web(source: _Source, final: FinalStage) -> _Kind | None:
    text, dockerfile, number = source.text, source.dockerfile, source.number
    steps = [
        instruction.value
        for stage in dockerfile.stages[:number]
        for instruction in stage.instructions
        if instruction.keyword == "RUN"
    ]
    if not any(_BUNDLE.search(step) for step in steps):
        return None
    lines: list[str] = []
    for index in range(number):
        before, after = _stage_lines(text, dockerfile, index)
        lines += [before, *after]
    finish = node_modules.module_script(final.effects.programs) + _CACHE_OF_PAGES
    return _Kind(tuple(lines), frozenset(), finish, node_modules.TIDY, health_check.node_check(), for_target=True)


def _stage_lines(text: str, dockerfile: Dockerfile, index: int) -> tuple[str, list[str]]:
    """A stage that only the build platform needs: its ``FROM`` line, and the others as they are."""
    stage = dockerfile.stages[index]
    named = {str(earlier.name).lower() for earlier in dockerfile.stages[:index]}
    platform = stage.platform or (None if stage.base.lower() in named else _NATIVE)
    words = ["FROM", *([f"--platform={platform}"] if platform else []), stage.base]
    words += ["AS", stage.name] if stage.name else []
    lines = text.splitlines()
    for instruction in stage.instructions:
        if instruction.keyword == "RUN" and node_modules.downloads(instruction.value):
            flags = " ".join(f"--mount={mount}" for mount in node_modules.CACHE_MOUNTS)
            lines[instruction.line - 1] = _RUN.sub(f"RUN {flags} ", lines[instruction.line - 1], count=1)
    return " ".join(words), lines[stage.line : _end(text, dockerfile, index)]


def _end(text: str, dockerfile: Dockerfile, index: int) -> int:
    following: Sequence[Stage] = dockerfile.stages[index + 1 :]
    return following[0].line - 1 if following else len(text.splitlines())


def _program_stage(final: FinalStage, kind: _Kind) -> list[str]:
    copies = [copy for copy in final.copies if copy.source not in kind.copied_apart]
    folders = sorted({_folder(copy) for copy in copies})
    commands = [
        "set -eu",
        *final.effects.commands,
        *(
            f"rm -rf {' '.join(shlex.quote(f'{OUT}{folder}/{name}') for name in _UNREAD)}"
            for folder in folders
            if folder != "/"
        ),
        *_ownership(final, folders),
    ]
    return [
        f"FROM --platform=$BUILDPLATFORM {final.base} AS {_PROGRAM_STAGE}",
        "USER root",
        *(copy.line(out_path(copy.destination, "/")) for copy in copies),
        *(["ARG TARGETARCH"] if kind.for_target else []),
        *root.heredoc_step(kind.finish.rstrip("\n") + "\n" + "\n".join(commands) + "\n"),
    ]


def _ownership(final: FinalStage, code: Sequence[str]) -> list[str]:
    """Folders that the program may write in. Code itself stays root's: where a source gives it away, its folder is enough."""
    commands = []
    workdir = final.configuration.workdir
    owned = [*final.effects.owned, posixpath.join(workdir, "storage")] if workdir else final.effects.owned
    for path in dict.fromkeys(owned):
        holds_code = any(folder == path or folder.startswith(f"{path.rstrip('/')}/") for folder in code)
        if path != "/" and not path.startswith(final.configuration.environment.get("VIRTUAL_ENV") or "\0"):
            recursive = "" if holds_code else "-R "
            commands.append(f"mkdir -p {OUT}{path} && chown {recursive}{root.UID}:{root.UID} {OUT}{path}")
    return commands


def _folder(copy: Copy) -> str:
    return (
        posixpath.normpath(copy.destination) if copy.destination.endswith("/") else posixpath.dirname(copy.destination)
    )


def _last_stage(final: FinalStage, kind: _Kind, has_packages: bool) -> list[str]:
    configuration = final.configuration
    apart = [copy.line(copy.destination) for copy in final.copies if copy.source in kind.copied_apart]
    lines = [
        "FROM scratch",
        MARK,
        f"COPY --from={root.STAGE} {root.ROOT} /",
        *(root.configure_step() if has_packages else ()),
        *apart,
        f"COPY --from={_PROGRAM_STAGE} {OUT} /",
        *final.lines,
        f"USER {root.UID}",
        health_check.INSTRUCTION,
        f"ENTRYPOINT {json.dumps([root.INIT, '--', *configuration.entrypoint])}",
    ]
    if configuration.command:
        lines.append(f"CMD {json.dumps(configuration.command)}")
    return lines


def _compiled(final: FinalStage) -> str:
    workdir = shlex.quote(f"{OUT}{final.configuration.workdir}")
    return f"python3 -m compileall -q -j 0 --invalidation-mode checked-hash -s {OUT} -p / {workdir} || test $? -eq 1\n"


# The server keeps what it made of pictures and pages beside its bundle.
_CACHE_OF_PAGES = f"""\
find {OUT} -type d -name .next -not -path '*/node_modules/*' | while read -r folder; do
  mkdir -p "$folder/cache"
  chown {root.UID}:{root.UID} "$folder/cache"
done
"""

_PYTHON_TIDY = (
    'rm -rf "$root"/usr/lib/python3*/test "$root"/usr/lib/python3*/idlelib "$root"/usr/lib/python3*/lib2to3 '
    '"$root"/usr/local/lib/python3*/test "$root"/usr/local/lib/python3*/idlelib "$root"/usr/local/lib/python3*/lib2to3 '
    '"$root"/usr/local/lib/python3*/ensurepip "$root"/usr/share/python-wheels',
    # The official image has none of these, and a user who is not root cannot write them: each start would compile them again.
    'for library in "$root"/usr/local/lib/python3* "$root"/usr/lib/python3*; do',
    '  [ -e "$library/os.py" ] || continue',
    '  python3 -m compileall -q -j 0 --invalidation-mode checked-hash -s "$root" -p / "$library" || test $? -eq 1',
    "done",
)
