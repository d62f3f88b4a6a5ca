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
class Container:
    """A container that runs.

    :param started: when, as the engine writes it.
    """

    name: str
    service: str
    started: str


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

    def run_python(self, container: str, program: str, *arguments: str) -> Completed:
        """Run a program in a container that has Python. Its secrets are in the container's environment, not here."""
        return self.docker.run("exec", container, "python3", "-c", program, *arguments, check=False)

    def of_service(self, service: str) -> list[Container]:
        """The containers of a service that run, the oldest first."""
        found = [container for container in self.containers() if container["State"]["Running"]]
        labelled = [_container(container) for container in found]
        return sorted((each for each in labelled if each.service == service), key=lambda each: each.started)

    def health(self, name: str) -> str:
        """``healthy``, ``starting``, ``unhealthy``; ``healthy`` where nothing looks; ``gone`` when it has ended."""
        state = self._inspect("container", [name])[0]["State"]
        if not state["Running"]:
            return "gone"
        return str((state.get("Health") or {}).get("Status", "healthy"))

    def last_log(self, name: str, lines: int = 20) -> str:
        done = self.docker.run("logs", "--tail", str(lines), name, check=False)
        return (done.stdout + done.stderr).strip()

    def remove(self, name: str, grace: int) -> None:
        """Let a container end what it is doing, at most ``grace`` seconds, and remove it."""
        self.docker.run("stop", "--time", str(grace), name)
        self.docker.run("rm", "--force", "--volumes", name)

    def reload_nginx(self, name: str) -> None:
        """Have nginx read its configuration; the workers that have requests finish them by the old one.

        :raises CollectionError: the configuration is wrong. nginx goes on with the old one.
        """
        self.docker.run("exec", name, "nginx", "-t", "-q")
        self.docker.run("exec", name, "nginx", "-s", "reload")

    def _inspect(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        if not names:
            return []
        done = self.docker.run(kind, "inspect", *names, check=False)
        try:
            return list(json.loads(done.stdout))
        except ValueError as error:
            raise CollectionError(f"The engine does not tell of its {kind}s: {done.last_lines(3)}") from error


def _container(inspected: dict[str, Any]) -> Container:
    labels = inspected["Config"].get("Labels") or {}
    return Container(
        inspected["Name"].lstrip("/"),
        labels.get("com.docker.compose.service", ""),
        inspected["State"]["StartedAt"],
    )
