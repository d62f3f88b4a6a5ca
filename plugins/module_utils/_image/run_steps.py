# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Dockerfile whose ``RUN`` steps read a script first, for a build: the source's own file stays as it is. Pure."""

from __future__ import annotations

import json
import re
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import (
    Instruction,
    exec_form,
    parse_dockerfile,
)

_ONLY_HEREDOC = re.compile(r"<<-?\s*(['\"]?)[A-Za-z_][A-Za-z0-9_]*\1$")


def with_script(text: str, script: str, mounts: Sequence[str]) -> str:
    """The Dockerfile with ``mounts`` in each ``RUN``, and ``script`` read by its shell before the command.

    :param script: path in the container.
    :param mounts: values of ``--mount``.
    :raises CollectionError: a step is a script of another interpreter than a shell, so it cannot read one.
    """
    lines = text.splitlines()
    flags = " ".join(f"--mount={mount}" for mount in mounts)
    result: list[str] = []
    done = 0
    for stage in parse_dockerfile(text).stages:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                result.extend(lines[done : instruction.line - 1])
                own = " ".join(f"--{name}={value}" if value else f"--{name}" for name, value in instruction.flags)
                body = lines[instruction.head_end : instruction.end]
                command, body = _command(instruction, body, script)
                result.extend((" ".join(filter(None, ("RUN", flags, own, command))), *body))
                done = instruction.end
    return "\n".join((*result, *lines[done:])) + "\n"


def as_written(text: str, script: str, mounts: Sequence[str]) -> str:
    """What BuildKit says of such steps, as it would say it of the Dockerfile's own."""
    for mount in mounts:
        text = text.replace(f"--mount={mount} ", "")
    return text.replace(f". {script}; ", "")


def _command(instruction: Instruction, body: list[str], script: str) -> tuple[str, list[str]]:
    value = instruction.value.strip()
    if _ONLY_HEREDOC.match(value):
        interpreter = body[0].strip() if body else ""
        if not interpreter.startswith("#!"):
            return value, [f". {script}", *body]
        if not re.match(r"#!\s*\S*(/env\s+)?\S*\b(ba|da|a)?sh\b", interpreter):
            raise CollectionError(
                f"Line {instruction.line} of the Dockerfile runs a script of {interpreter[2:].strip()}, which cannot read the "
                "mirrors, proxy, CA or build_env that this build is given. Let a shell run it there, by a patch of the source.",
                dockerfile_line=instruction.line,
            )
        return value, [body[0], f". {script}", *body[1:]]
    words = exec_form(value)
    if words is not None:
        return json.dumps(["/bin/sh", "-c", f'. {script}; "$@"', "sh", *words]), body
    return f". {script}; {value}", body
