# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that talks to buildx, and that reads the folder in which buildx keeps its builders."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Tuple

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    Builder,
    docker_builder,
    parse_instance,
    with_status,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)

Version = Tuple[int, int, int]

MINIMUM_VERSION: Version = (0, 12, 0)
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)")


def parse_version(text: str) -> Version:
    """Parse what ``docker buildx version`` prints: ``github.com/docker/buildx v0.29.1 a7f7d2e``.

    :raises CollectionError: there is no version in it.
    """
    match = _VERSION.search(text)
    if not match:
        raise CollectionError(f"buildx does not say its version: {text.strip()!r}. Install a released version of it.")
    return int(match[1]), int(match[2]), int(match[3])


@dataclass(frozen=True)
class BuildxClient:
    """buildx, and the folder of its builders.

    :param cli: the ``docker`` program; ``BUILDX_CONFIG`` in its environment is the folder.
    """

    cli: Cli

    @property
    def folder(self) -> str:
        """Where buildx keeps its builders: ``BUILDX_CONFIG``, else ``buildx`` in Docker's own folder."""
        environment = {**os.environ, **self.cli.environment}
        docker_folder = environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
        return environment.get("BUILDX_CONFIG") or os.path.join(docker_folder, "buildx")

    def version(self) -> Version:
        """The version of buildx.

        :raises MissingPrerequisite: buildx is missing or older than :data:`MINIMUM_VERSION`.
        """
        completed = self.cli.run("buildx", "version", check=False)
        if completed.rc != 0:
            raise MissingPrerequisite(
                f"{self.cli.program} has no buildx plugin here: {completed.last_lines(3)} "
                f"Install docker-buildx; {self.cli.provided_by} does that.",
                task=self.cli.provided_by,
            )
        version = parse_version(completed.stdout)
        if version < MINIMUM_VERSION:
            raise MissingPrerequisite(
                f"buildx {'.'.join(map(str, version))} is too old: at least "
                f"{'.'.join(map(str, MINIMUM_VERSION))} is needed. Install a newer docker-buildx; "
                f"{self.cli.provided_by} does that.",
                task=self.cli.provided_by,
            )
        return version

    def find_builder(self, name: str, ask_nodes: bool = False) -> Builder | None:
        """The builder with that name, or None.

        Read from the record that buildx keeps, so no node is contacted unless ``ask_nodes``: then each node's status,
        BuildKit version and platforms are there too (seconds for a node that does not answer).
        A name without a record may be that of a Docker context (such as ``default``): the ``docker`` driver's builder.
        """
        builder = self._find_recorded(name) or self._find_context_builder(name)
        return self.ask_nodes(builder) if builder and ask_nodes else builder

    def list_builders(self, ask_nodes: bool = False) -> tuple[Builder, ...]:
        """Every recorded builder, then the builder of each Docker context, sorted by name each."""
        try:
            names = sorted(os.listdir(os.path.join(self.folder, "instances")))
        except FileNotFoundError:
            names = []
        recorded = [builder for name in names for builder in [self._find_recorded(name)] if builder]
        contexts = self.cli.run("context", "ls", "--format", "{{.Name}}").stdout.split()
        derived = [docker_builder(name) for name in sorted(contexts) if name not in names]
        builders = (*recorded, *derived)
        return tuple(map(self.ask_nodes, builders)) if ask_nodes else builders

    def ask_nodes(self, builder: Builder) -> Builder:
        """The builder with the status, BuildKit version and platforms of each node."""
        completed = self.cli.run("buildx", "inspect", builder.name, check=False)
        if completed.rc != 0:
            raise CollectionError(
                f"The nodes of builder {builder.name} cannot be asked: {completed.last_lines(3)}",
                builder=builder.name,
            )
        return with_status(builder, completed.stdout)

    def _find_recorded(self, name: str) -> Builder | None:
        # buildx lower-cases the names of builders.
        path = os.path.join(self.folder, "instances", name.lower())
        try:
            with open(path, encoding="utf-8") as file:
                return parse_instance(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CollectionError(f"{path}, where buildx keeps builder {name}, cannot be read: {error}.") from error

    def _find_context_builder(self, name: str) -> Builder | None:
        return docker_builder(name) if self.cli.run("context", "inspect", name, check=False).rc == 0 else None
