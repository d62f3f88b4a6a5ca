# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services replaced behind nginx without a request that fails: a second container first, then nginx, then the old one goes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Collection, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import ComposeClient
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Container, Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment import without_secrets
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.nginx import (
    OURS,
    UPSTREAMS,
    ports_in,
    upstreams,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import effective_values

_POLL_SECONDS = 0.5
#: nginx hands new connections to its new workers once they have started; there is nothing that says when that is.
_RELOAD_SECONDS = 1.0


@dataclass(frozen=True)
class Replacement:
    """A service whose containers are not as the active release has it.

    :param old: the containers that go.
    :param new: those that a run which was ended has started already.
    """

    service: str
    old: tuple[str, ...]
    new: tuple[str, ...] = ()


def plan_rollout(
    services: Sequence[str], running: Mapping[str, Sequence[Container]], outdated: Collection[str]
) -> list[Replacement]:
    """Which services have to be replaced. One that does not run is none of them: it has only to be started. Pure.

    :param running: containers by service.
    :param outdated: names of those that Compose would recreate.
    """
    return [
        Replacement(
            service,
            tuple(container.name for container in found if container.name in outdated),
            tuple(container.name for container in found if container.name not in outdated),
        )
        for service in services
        for found in [running.get(service, ())]
        if any(container.name in outdated for container in found)
    ]


class Rollout:
    """Replaces services of one project.

    :param folder: the project's folder.
    :param wait: seconds that a new container may take to become healthy.
    :param grace: seconds that an old one has to finish its requests.
    """

    def __init__(self, compose: ComposeClient, deployed: Deployed, folder: str, wait: int, grace: int) -> None:
        self.compose, self.deployed, self.folder = compose, deployed, folder
        self.wait, self.grace = wait, grace

    def replace(self, replacement: Replacement) -> list[str]:
        """Replace a service's containers. The names of the new ones.

        :raises CollectionError: a new one does not become healthy. It is removed, and the old ones go on as before.
        """
        service, new = replacement.service, list(replacement.new)
        if not new:
            self.compose.add_container(self.folder, service, len(replacement.old) + 1)
            new = [each.name for each in self.deployed.of_service(service) if each.name not in replacement.old]
        try:
            for name in new:
                self._until_healthy(service, name)
            self._point(service, new)
        except CollectionError:
            self._point(service, replacement.old)
            for name in new:
                self.deployed.remove(name, 0)
            self._point(service, [])
            raise
        for name in replacement.old:
            self.deployed.remove(name, self.grace)
        self._point(service, [])
        return new

    def is_pointed(self) -> bool:
        """Whether a run that was ended left nginx pointed at containers by name."""
        text = self._upstreams()
        return text is not None and text != upstreams(ports_in(text), {})

    def settle(self) -> None:
        """Have nginx ask whatever containers the services have."""
        self._point("", [])

    def _until_healthy(self, service: str, name: str) -> None:
        deadline = time.monotonic() + self.wait
        health = self.deployed.health(name)
        # A slow start looks unhealthy for a while: only one that has ended does not become healthy any more.
        while health in ("starting", "unhealthy") and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            health = self.deployed.health(name)
        if health != "healthy":
            said = without_secrets(self.deployed.last_log(name), effective_values(self.folder))
            raise CollectionError(
                f"The new container of {service} is {health} after at most {self.wait} s. It was removed, and the old one serves "
                f"as before. The last that it said: {said}",
                service=service,
            )

    def _point(self, service: str, names: Sequence[str]) -> None:
        """Have nginx ask these containers; without names, all that the service has."""
        text = self._upstreams()
        if text is None:
            return
        path = os.path.join(self.folder, OURS, UPSTREAMS)
        with open(f"{path}.part", "w", encoding="utf-8") as file:
            file.write(upstreams(ports_in(text), {service: names} if names else {}))
        os.replace(f"{path}.part", path)
        for name in [container.name for container in self.deployed.of_service("nginx")]:
            self.deployed.reload_nginx(name)
        time.sleep(_RELOAD_SECONDS)

    def _upstreams(self) -> str | None:
        """nginx's file of ours; None where the release has none."""
        try:
            with open(os.path.join(self.folder, OURS, UPSTREAMS), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None
