# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running deployment must be like, judged from what was read of it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import OF_SERVICE, SHARED
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release

#: The program's own services need all secrets; any other needs its own, or none.
_OF_PROGRAM = ("api", "plugin_daemon", "agent_backend", "local_sandbox")
#: A shorter value is in many texts by chance.
_SHORTEST = 6


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    :param name: what, as a sentence.
    :param service: of the deployment.
    :param detail: what was found, where it is not as it should be.
    """

    name: str
    service: str
    passed: bool
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge_containers(
    release: Release, containers: Sequence[Mapping[str, Any]], architectures: Mapping[str, str], platform: str
) -> list[Check]:
    """Whether each service runs, is healthy, and is the image that the release pins, for this host's platform.

    :param containers: as ``docker inspect`` has them.
    :param architectures: of images, as ``OS/ARCHITECTURE`` by image id.
    """
    by_service: dict[str, list[Mapping[str, Any]]] = {}
    for container in containers:
        by_service.setdefault(_label(container, "service"), []).append(container)
    checks = []
    for service, image in release.images.items():
        running = [found for found in by_service.get(service, []) if found["State"]["Running"]]
        if not running:
            ended = [found for found in by_service.get(service, []) if _ended_well(found)]
            checks.append(
                Check("it runs and is healthy", service, bool(ended), "" if ended else "no container of it runs")
            )
            continue
        states = [_state(found) for found in running]
        bad = [state for state in states if state != "healthy"]
        checks.append(Check("it runs and is healthy", service, not bad, ", ".join(bad)))
        others = [
            found["Config"]["Image"]
            for found in running
            if not found["Config"]["Image"].endswith(f"@{image['digest']}")
        ]
        checks.append(Check("it is the image that the release pins", service, not others, ", ".join(others)))
        foreign = [architectures.get(found["Image"], "unknown") for found in running]
        foreign = [found for found in foreign if found != platform]
        checks.append(Check("its image is for this host's platform", service, not foreign, ", ".join(foreign)))
    checks += [
        Check("it belongs to the release", service, False, "the release has no such service")
        for service in sorted(set(by_service) - set(release.images))
    ]
    return checks


def judge_secrets(release: Release, containers: Sequence[Mapping[str, Any]], secrets: Mapping[str, str]) -> list[Check]:
    """Whether any service was given a secret of another one.

    :param secrets: values by variable, of all that the release has.
    """
    checks = []
    for container in containers:
        service = _label(container, "service")
        image = release.images.get(service)
        if image is None or image.get("component") in _OF_PROGRAM or _is_program(image["wanted"]):
            continue
        own = OF_SERVICE.get(service)
        allowed = {secrets.get(key) for group in SHARED if own in group for key in group}
        text = _texts_of(container)
        seen = sorted(
            key for key, value in secrets.items() if len(value) >= _SHORTEST and value not in allowed and value in text
        )
        checks.append(Check("it was given no secret of another service", service, not seen, ", ".join(seen)))
    return checks


def _texts_of(container: Mapping[str, Any]) -> str:
    """Everything that ``docker inspect`` shows of how a container was made."""
    config = container["Config"]
    labels = (config.get("Labels") or {}).values()
    return "\n".join([*(config.get("Env") or ()), *(config.get("Cmd") or ()), *(container.get("Args") or ()), *labels])


def _is_program(wanted: str) -> bool:
    return any(f"dify-{name}" in wanted for name in ("api", "plugin-daemon", "agent"))


def _label(container: Mapping[str, Any], name: str) -> str:
    return str((container["Config"].get("Labels") or {}).get(f"com.docker.compose.{name}", ""))


def _state(container: Mapping[str, Any]) -> str:
    """Its health. One between two starts counts as running."""
    state = container["State"]
    return "restarting" if state.get("Restarting") else str((state.get("Health") or {}).get("Status", "healthy"))


def _ended_well(container: Mapping[str, Any]) -> bool:
    """Whether it is a job that ended, such as the one that sets the owner of files."""
    policy = (container["HostConfig"].get("RestartPolicy") or {}).get("Name")
    return container["State"]["ExitCode"] == 0 and policy in ("", "no", None)
