# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether services stay up once they are started. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping, Sequence

#: Restart policies by which a container that ends well is done: the jobs of a Compose file.
_ENDS_FOR_GOOD = ("", "no", "on-failure")


@dataclass(frozen=True)
class Unsteady:
    """A container that does not stay up, or has not been up for long enough to tell.

    :param restarts: how often the engine has started it again.
    :param why: the rest of a sentence about it.
    """

    name: str
    service: str
    restarts: int
    why: str

    @property
    def message(self) -> str:
        again = f", and was started again {self.restarts} times" if self.restarts else ""
        return f"{self.service} {self.why}{again}"


def find_unsteady(containers: Sequence[Mapping[str, Any]], now: datetime, seconds: int) -> list[Unsteady]:
    """Those that are not up, or for less than ``seconds``. One that Compose waits for by its health check is up when it runs.

    :param containers: as ``docker inspect`` has them.
    :param now: in UTC, without a zone.
    """
    found = []
    for container in containers:
        why = _why(container, now, seconds)
        if why:
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            restarts = int(container.get("RestartCount") or 0)
            found.append(Unsteady(container["Name"].lstrip("/"), service, restarts, why))
    return sorted(found, key=lambda each: each.name)


def _why(container: Mapping[str, Any], now: datetime, seconds: int) -> str | None:
    state = container["State"]
    # A container between two starts counts as one that runs.
    if state.get("Restarting") or not state["Running"]:
        policy = ((container.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name", "")
        if state.get("ExitCode") == 0 and policy in _ENDS_FOR_GOOD and not state.get("Restarting"):
            return None
        return f"ended with status {state.get('ExitCode')}"
    if state.get("Health") and not container.get("RestartCount"):
        return None
    up = (now - _moment(state["StartedAt"])).total_seconds()
    return f"has been up for {max(0, int(up))} s" if up < seconds else None


def _moment(text: str) -> datetime:
    """The engine's ``2026-11-27T11:11:36.606123456Z``, to the second."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
