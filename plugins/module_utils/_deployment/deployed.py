# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs of a deployment on this host, asked of the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, Completed
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@dataclass(frozen=True)
class Deployed:
    """The containers of one Compose project.

    :param docker: the engine's client.
    :param project: its name.
    """

    docker: Cli
    project: str

    def containers(self) -> list[dict[str, Any]]:
        """All of them, also those that have ended, as ``docker inspect`` has them; jobs of a moment are left out."""
        listed = self.docker.run(
            "ps", "--all", "--quiet", "--no-trunc",
            "--filter", f"label=com.docker.compose.project={self.project}", "--filter", "label=com.docker.compose.oneoff=False",
        ).stdout.split()  # fmt: skip
        return self._inspect("container", listed)

    def architectures(self, images: Sequence[str]) -> dict[str, str]:
        """``OS/ARCHITECTURE`` by image id."""
        found = self._inspect("image", sorted(set(images)))
        return {image["Id"]: f"{image['Os']}/{image['Architecture']}" for image in found}

    def platform(self) -> str:
        """Of the engine."""
        return self.docker.run("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").stdout.strip()

    def run_python(self, container: str, program: str, *arguments: str) -> Completed:
        """Run a program in a container that has Python. Its secrets are in the container's environment, not here."""
        return self.docker.run("exec", container, "python3", "-c", program, *arguments, check=False)

    def _inspect(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        if not names:
            return []
        done = self.docker.run(kind, "inspect", *names, check=False)
        try:
            return list(json.loads(done.stdout))
        except ValueError as error:
            raise CollectionError(f"The engine does not tell of its {kind}s: {done.last_lines(3)}") from error
