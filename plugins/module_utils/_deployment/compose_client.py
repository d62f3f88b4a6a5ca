# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one file that talks to ``docker compose``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: As the source calls its own file, and as ours is called beside it.
COMPOSE_FILE = "docker-compose.yaml"
OVERRIDE_FILE = "docker-compose.imagefleet.yaml"
_RECREATED = re.compile(r"Container (\S+)\s+Recreate\b")


@dataclass(frozen=True)
class ComposeClient:
    """Compose for one project.

    :param cli: of ``docker``.
    :param project: its name.
    """

    cli: Cli
    project: str

    def config(self, folder: str, with_override: bool = False) -> dict[str, Any]:
        """What the project in ``folder`` comes to with its environment and profiles. It has secrets in it.

        :param with_override: with our file on top.
        :raises CollectionError: Compose refuses it.
        """
        files = _files(folder) if with_override else _files(folder)[:2]
        done = self.cli.run(*self._project(folder), *files, "config", "--format", "json", check=False)
        if done.rc != 0:
            # Its messages name variables and services, not values.
            refused = f"{COMPOSE_FILE} with {OVERRIDE_FILE}" if with_override else COMPOSE_FILE
            raise CollectionError(f"Compose refuses the release's {refused}: {done.last_lines(5)}")
        try:
            document = json.loads(done.stdout)
        except ValueError as error:
            raise CollectionError(f"docker compose config printed no JSON: {error}. Update Compose.") from error
        return dict(document)

    def profiles(self, folder: str) -> list[str]:
        """All profiles that the project in ``folder`` has."""
        done = self.cli.run(*self._project(folder), *_files(folder)[:2], "config", "--profiles")
        return sorted(filter(None, done.stdout.split("\n")))

    def find_outdated(self, folder: str, counts: Mapping[str, int]) -> list[str]:
        """Names of the containers that ``up`` would recreate, as Compose itself says in its dry run.

        ``config --hash`` does not tell: it leaves out what ``env_file`` adds.

        :param counts: by service, how many containers it has.
        """
        scales = [part for service, count in counts.items() for part in ("--scale", f"{service}={count}")]
        done = self.cli.run(
            "compose", "--dry-run", "--ansi", "never", "--progress", "plain", *self._project(folder)[1:], *_files(folder),
            "up", "--detach", "--no-deps", "--no-build", "--pull", "never", *scales, *counts,
        )  # fmt: skip
        return sorted(set(_RECREATED.findall(done.stdout + done.stderr)))

    def add_container(self, folder: str, service: str, count: int) -> None:
        """Start containers of a service until there are ``count``; those that run stay as they are.

        :raises CollectionError: one does not start.
        """
        self.cli.run(
            *self._project(folder), *_files(folder), "up", "--detach", "--no-deps", "--no-recreate", "--no-build",
            "--pull", "never", "--scale", f"{service}={count}", service,
        )  # fmt: skip

    def host_platform(self) -> str:
        """The platform that the engine runs, such as ``linux/arm64``."""
        return self.cli.run("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").stdout.strip()

    def _project(self, folder: str) -> tuple[str, ...]:
        return ("compose", "--project-name", self.project, "--project-directory", folder)


def _files(folder: str) -> tuple[str, ...]:
    return ("--file", f"{folder}/{COMPOSE_FILE}", "--file", f"{folder}/{OVERRIDE_FILE}")
