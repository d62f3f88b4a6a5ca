# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host must have before a deployment is changed on it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Mapping, Sequence

_GIGABYTE = 1000**3


@dataclass(frozen=True)
class HostFacts:
    """What was found on a host.

    :param engine, compose: their versions; None where they do not answer.
    :param memory: bytes.
    :param free: free bytes by folder.
    :param occupied: of the ports that are wanted, those that somebody else listens on.
    :param writers: containers of others that use the data, with their project; empty where they have none.
    """

    engine: str | None
    compose: str | None
    memory: int
    free: Mapping[str, int]
    occupied: Sequence[int]
    writers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Requirements:
    """What is asked of it. Memory and disk in gigabytes of 10^9 bytes."""

    engine: str
    compose: str
    memory: float
    disk: float


def find_problems(facts: HostFacts, wanted: Requirements) -> list[str]:
    """Everything that stands in the way, a sentence for each."""
    found = []
    for name, version, least in (
        ("Docker Engine", facts.engine, wanted.engine),
        ("Compose", facts.compose, wanted.compose),
    ):
        if version is None:
            found.append(f"{name} does not answer: is it installed and running? The provision playbook does both.")
        elif _number(version) < _number(least):
            found.append(
                f"{name} is {version}, and at least {least} is needed. The provision playbook brings a newer one."
            )
    if facts.memory < wanted.memory * _GIGABYTE:
        found.append(f"The host has {_gigabytes(facts.memory)} GB of memory, and min_memory wants {wanted.memory:g}.")
    for folder, free in facts.free.items():
        if free < wanted.disk * _GIGABYTE:
            found.append(f"{folder} has {_gigabytes(free)} GB free, and min_disk wants {wanted.disk:g}.")
    for port in facts.occupied:
        found.append(f"Port {port} is taken by another program. Stop it, or choose another port.")
    for name, project in sorted(facts.writers.items()):
        what = f" of the Compose project {project}" if project else ""
        found.append(
            f"The container {name}{what} uses the data, and two databases on the same files destroy them. "
            + (f"Give the project {project} as the deployment's, or stop it." if project else "Stop it.")
        )
    return found


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.lstrip("v").split("-")[0].split("+")[0])[:3])


def _gigabytes(size: int) -> str:
    return f"{size / _GIGABYTE:.1f}"
