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
import shlex
from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe import downloaded_data, health_check, root
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.base_environment import MARK
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.final_stage import (
    Copy,
    FinalStage,
    read_final_stage,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.kind import Kind
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.python_image import (
    find_compiled,
    find_python_image,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.source import open_source
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.step_effects import OUT, out_path
from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.web_image import find_web_image

_PROGRAM_STAGE = "imagefleet-program"
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
    source = open_source(text, build_args, target, read)
    final = read_final_stage(text, source.dockerfile, build_args, target)
    compiled = find_compiled(source, wanted.architectures, wanted.build_on_target)
    kind = find_python_image(source, final, compiled) or find_web_image(source, final)
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
            for name, default in source.dockerfile.arguments.items()
        ),
        *kind.stages,
        "",
        *([*kind.data.lines, ""] if kind.data.lines else []),
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


def _program_stage(final: FinalStage, kind: Kind) -> list[str]:
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
        *_ownership(final, kind, folders),
    ]
    return [
        f"FROM --platform=$BUILDPLATFORM {final.base} AS {_PROGRAM_STAGE}",
        "USER root",
        *(copy.line(out_path(copy.destination, "/")) for copy in copies),
        *(["ARG TARGETARCH"] if kind.for_target else []),
        *root.heredoc_step(kind.finish.rstrip("\n") + "\n" + "\n".join(commands) + "\n"),
    ]


def _ownership(final: FinalStage, kind: Kind, code: Sequence[str]) -> list[str]:
    """Folders that the program may write in. Code itself stays root's: where a source gives it away, its folder is enough."""
    commands = []
    for path in dict.fromkeys((*final.effects.owned, *kind.owned)):
        holds_code = any(folder == path or folder.startswith(f"{path.rstrip('/')}/") for folder in code)
        if path != "/" and not path.startswith(final.configuration.environment.get("VIRTUAL_ENV") or "\0"):
            recursive = "" if holds_code else "-R "
            commands.append(f"mkdir -p {OUT}{path} && chown {recursive}{root.UID}:{root.UID} {OUT}{path}")
    return commands


def _folder(copy: Copy) -> str:
    return (
        posixpath.normpath(copy.destination) if copy.destination.endswith("/") else posixpath.dirname(copy.destination)
    )


def _last_stage(final: FinalStage, kind: Kind, has_packages: bool) -> list[str]:
    configuration = final.configuration
    apart = [copy.line(copy.destination) for copy in final.copies if copy.source in kind.copied_apart]
    lines = [
        "FROM scratch",
        MARK,
        f"COPY --from={root.STAGE} {root.ROOT} /",
        *(root.configure_step() if has_packages else ()),
        *apart,
        # Folders get the owners of what is copied last: the program's.
        *([f"COPY --from={downloaded_data.STAGE} {downloaded_data.FOLDER} /"] if kind.data.lines else []),
        f"COPY --from={_PROGRAM_STAGE} {OUT} /",
        *final.lines(without=kind.data.steps),
        f"USER {root.UID}",
        health_check.INSTRUCTION,
        f"ENTRYPOINT {json.dumps([root.INIT, '--', *configuration.entrypoint])}",
    ]
    if configuration.command:
        lines.append(f"CMD {json.dumps(configuration.command)}")
    return lines
