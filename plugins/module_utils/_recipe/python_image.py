# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kind of image that runs Python: its packages are those of the project's lock, for the image's platform. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import AbstractSet, Iterable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import Instruction
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import health_check, python_packages, root
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.downloaded_data import find_data
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.final_stage import FinalStage
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.kind import Kind
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_lock import (
    LockedPackage,
    compiled_packages,
    installed_groups,
    optional_groups,
    parse_lock,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_packages import Installation
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.source import Source
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import OUT, is_tool_step

Compiled = Mapping[str, Sequence[LockedPackage]]

_LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock"}
_PROJECT = "pyproject.toml"
_PYTHON_IN_NAME = re.compile(r"python:(?P<version>3\.\d+)")
_TIDY = (
    'rm -rf "$root"/usr/lib/python3*/test "$root"/usr/lib/python3*/idlelib "$root"/usr/lib/python3*/lib2to3 '
    '"$root"/usr/local/lib/python3*/test "$root"/usr/local/lib/python3*/idlelib "$root"/usr/local/lib/python3*/lib2to3 '
    '"$root"/usr/local/lib/python3*/ensurepip "$root"/usr/share/python-wheels',
    # The official image has none of these, and a user who is not root cannot write them: each start would compile them again.
    'for library in "$root"/usr/local/lib/python3* "$root"/usr/lib/python3*; do',
    '  [ -e "$library/os.py" ] || continue',
    '  python3 -m compileall -q -j 0 --invalidation-mode checked-hash -s "$root" -p / "$library" || test $? -eq 1',
    "done",
)


def find_compiled(
    source: Source, architectures: Iterable[str], given: AbstractSet[str]
) -> dict[str, tuple[LockedPackage, ...]]:
    """By architecture, packages of the source's lock that have to be compiled; none where it has no lock that tells.

    :param given: names of packages that the user says it of.
    :raises CollectionError: the lock does not have one of these, or there is none.
    """
    found: dict[str, tuple[LockedPackage, ...]] = {}
    for index, (_instruction, installation) in _installations(source).items():
        lock = _lock(source, index, installation)
        if lock is None:
            continue
        version = _PYTHON_IN_NAME.search(source.base_name(index))
        left_out = optional_groups(source.copied(index, _PROJECT) or "")
        packages = parse_lock(lock)
        for architecture in architectures:
            found[architecture] = compiled_packages(
                packages, architecture, version["version"] if version else None, given, left_out
            )
    if given and not found:
        raise CollectionError(
            f"build_on_target has {', '.join(sorted(given))}, and the Dockerfile copies no uv.lock or poetry.lock that it "
            "installs from. Leave it out."
        )
    return found


def find_python_image(source: Source, final: FinalStage, compiled: Compiled) -> Kind | None:
    """What it brings; None when the source installs no Python packages.

    :param compiled: what :func:`find_compiled` found.
    :raises CollectionError: the source installs them in a way that is not known here.
    """
    installations = _installations(source)
    if not installations:
        return None
    environment = final.configuration.environment.get("VIRTUAL_ENV")
    if not environment:
        raise CollectionError(
            "The recipe optimised needs VIRTUAL_ENV in the last stage, the folder of its Python packages. Build this image with "
            "recipe upstream."
        )
    lines: list[str] = []
    for index, _stage in source.stages():
        if index in installations:
            lines += _packages_stage(source, index, installations[index], environment, compiled)
        else:
            lines += [source.native_from(index), *source.lines[source.body(index)]]
    workdir = final.configuration.workdir
    first = next(iter(installations))
    lock = _lock(source, first, installations[first][1])
    return Kind(
        stages=tuple(lines),
        copied_apart=frozenset(source.stage_name(index) for index in installations),
        finish=f"python3 -m compileall -q -j 0 --invalidation-mode checked-hash -s {OUT} -p / {shlex.quote(OUT + workdir)} "
        "|| test $? -eq 1\n",
        tidy=_TIDY,
        check=health_check.python_check(final.configuration.exposes, final.configuration.environment),
        # Uploads, and what Compose's example has the program write its log to.
        owned=(posixpath.join(workdir, "storage"), posixpath.join(posixpath.dirname(workdir), "logs"))
        if workdir
        else (),
        data=find_data(final, source.base_name(first), environment, lock),
    )


def _lock(source: Source, index: int, installation: Installation) -> str | None:
    """The lock that a stage installs from; None when it has none that is known."""
    return source.copied(index, _LOCKS.get(installation.manager, ""))


def _installations(source: Source) -> dict[int, tuple[Instruction, Installation]]:
    """By the number of the stage, the step that installs Python packages."""
    found = {}
    for index, instruction in source.steps():
        installation = python_packages.find_installation(instruction.value)
        if installation:
            found[index] = (instruction, installation)
    return found


def _packages_stage(
    source: Source, index: int, found: tuple[Instruction, Installation], environment: str, compiled: Compiled
) -> list[str]:
    """The source's stage, whose step installs for the image's platform; before it, one for packages that are compiled there."""
    instruction, installation = found
    python_packages.check_known(installation)
    groups = installed_groups(source.copied(index, _PROJECT) or "")
    script = python_packages.install_script(python_packages.with_groups(installation, groups), environment, compiled)
    version = _uv_version(source, index)
    has_compiled = any(compiled.values())
    body = source.body(index)
    return [
        *([*_compiled_stage(source, index, instruction, compiled), ""] if has_compiled else []),
        source.native_from(index),
        *python_packages.tool_steps(installation, version),
        *source.lines[body.start : instruction.line - 1],
        "ARG TARGETARCH",
        *root.heredoc_step(script, python_packages.mounts(has_compiled)),
        *source.lines[instruction.end : body.stop],
    ]


def _uv_version(source: Source, index: int) -> str | None:
    """The version that the source installs with, as it names it in its environment."""
    steps = source.inherited_steps(index)
    return steps[-1].variables.get("UV_VERSION") if steps else None


def _compiled_stage(source: Source, index: int, installation: Instruction, compiled: Compiled) -> list[str]:
    """What the source does before it installs, without its files and tools, and the wheels."""
    lines: list[str] = []
    for step in source.inherited_steps(index):
        instruction = step.instruction
        if instruction == installation:
            break
        if instruction.keyword in ("ARG", "ENV", "WORKDIR") or (
            instruction.keyword == "RUN" and not is_tool_step(step.expanded(instruction.value) or instruction.value)
        ):
            lines += source.lines[instruction.line - 1 : instruction.end]
    return python_packages.compiled_stage(source.base_name(index), lines, compiled)
