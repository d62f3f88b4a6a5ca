# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``docker compose config --format json`` says of a project, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference

#: Upstream's images, by the component that is built for each.
COMPONENT_IMAGES = {
    "docker.io/langgenius/dify-api": "api",
    "docker.io/langgenius/dify-web": "web",
    "docker.io/langgenius/dify-sandbox": "sandbox",
    "docker.io/langgenius/dify-plugin-daemon": "plugin_daemon",
    "docker.io/langgenius/dify-agent-backend": "agent_backend",
    "docker.io/langgenius/dify-agent-local-sandbox": "local_sandbox",
    "docker.io/ubuntu/squid": "ssrf_proxy",
}


#: Services of the program: they write to the data, or serve people meanwhile.
WRITERS = ("api", "api_websocket", "worker", "worker_beat", "web", "plugin_daemon", "agent_backend")


def writers_in(services: Iterable[str]) -> list[str]:
    """Those of the services that rest while data are migrated or put back."""
    return sorted(set(services) & set(WRITERS))


@dataclass(frozen=True)
class Service:
    """One service that the chosen profiles start.

    :param image: its image as the Compose file has it; None where it is only built.
    :param component: which of our components that is; None for another's.
    :param mode: what ``MODE`` says it is, for the api's image.
    :param has_health_check: whether the Compose file has one.
    :param mounts: the host's files and folders that it sees, absolute, and where it has them.
    :param depends_on: what it waits for, and until which condition.
    :param ports: the host's TCP ports that it answers on.
    """

    name: str
    image: str | None
    component: str | None
    mode: str | None
    has_health_check: bool
    mounts: Mapping[str, str]
    depends_on: Mapping[str, str]
    ports: tuple[int, ...] = ()

    @property
    def runs_the_program(self) -> bool:
        """Whether it is the api's image, in whatever mode."""
        return self.component == "api"


def parse_config(document: Mapping[str, Any]) -> dict[str, Service]:
    """The services by name.

    :param document: the parsed output of ``docker compose config --format json``.
    """
    return {name: _service(name, value) for name, value in sorted((document.get("services") or {}).items())}


def needed_by(services: Mapping[str, Service], name: str) -> list[str]:
    """What a service waits for, directly or not, of what is started."""
    found: set[str] = set()
    left = [name]
    while left:
        service = services.get(left.pop())
        new = {other for other in service.depends_on if other in services} - found if service else set()
        found |= new
        left += new
    return sorted(found)


def component_of(image: str | None) -> str | None:
    """The component that is built for an image of upstream's."""
    return COMPONENT_IMAGES.get(parse_reference(image).name) if image else None


def _service(name: str, value: Mapping[str, Any]) -> Service:
    environment = value.get("environment") or {}
    check = value.get("healthcheck") or {}
    return Service(
        name=name,
        image=value.get("image"),
        component=component_of(value.get("image")),
        mode=environment.get("MODE"),
        has_health_check=bool(check) and not check.get("disable"),
        mounts={
            mount["source"]: mount["target"] for mount in value.get("volumes") or () if mount.get("type") == "bind"
        },
        depends_on={key: entry.get("condition", "") for key, entry in (value.get("depends_on") or {}).items()},
        ports=tuple(
            int(port["published"])
            for port in value.get("ports") or ()
            if port.get("protocol", "tcp") == "tcp" and str(port.get("published", "")).isdigit()
        ),
    )
