# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build host has gathered, and which of it a policy lets go. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Collection, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.gigabytes import GB

#: What the docker-container driver of buildx calls the volume of a node, and its container without the end.
_VOLUME = re.compile(r"buildx_buildkit_(?P<node>.+)_state")


@dataclass(frozen=True)
class BuilderVolume:
    """The cache of a node that runs, or ran, in a container.

    :param node: as buildx calls it.
    :param created: in UTC, without a zone.
    :param size: in bytes; None where the engine does not tell.
    :param in_use: whether there is a container with it, running or not.
    """

    name: str
    node: str
    created: datetime
    size: int | None
    in_use: bool


@dataclass(frozen=True)
class HostFacts:
    """A build host as it is.

    :param data_root: where the engine keeps its data.
    :param total, free: bytes of that file system.
    :param cache: bytes of the engine's own build cache.
    :param nodes: names of the nodes that builders of this host have.
    """

    data_root: str
    total: int
    free: int
    cache: int
    volumes: tuple[BuilderVolume, ...]
    nodes: frozenset[str]


@dataclass(frozen=True)
class Policy:
    """What may be gathered.

    :param min_free: bytes that shall be free.
    :param cache_max: bytes of the engine's build cache that are kept; None for all.
    :param orphans_after: how old the volume of a node that no builder has is when it goes; None to keep it.
    """

    min_free: int
    cache_max: int | None
    orphans_after: timedelta | None


@dataclass(frozen=True)
class Upkeep:
    """What is to be done.

    :param orphans: volumes that go.
    :param prune_to: bytes that the build cache is pruned to; None to leave it.
    """

    orphans: tuple[BuilderVolume, ...]
    prune_to: int | None


def node_of(volume: str) -> str | None:
    """The node that a volume is of, by its name; None for any other volume."""
    found = _VOLUME.fullmatch(volume)
    return found["node"] if found else None


def orphans_of(facts: HostFacts) -> list[BuilderVolume]:
    """Volumes of nodes that no builder has and that no container uses."""
    return [volume for volume in facts.volumes if not volume.in_use and volume.node not in facts.nodes]


def plan_upkeep(facts: HostFacts, policy: Policy, now: datetime) -> Upkeep:
    """What the policy lets go."""
    after = policy.orphans_after
    orphans = tuple(volume for volume in orphans_of(facts) if after is not None and volume.created <= now - after)
    too_much = policy.cache_max is not None and facts.cache > policy.cache_max
    return Upkeep(orphans, policy.cache_max if too_much else None)


def find_problems(facts: HostFacts, policy: Policy) -> list[str]:
    """What the host wants and no policy gives it."""
    if facts.free >= policy.min_free:
        return []
    return [
        f"{facts.free / GB:.1f} GB of {facts.total / GB:.1f} are free for {facts.data_root}, and "
        f"{policy.min_free / GB:.1f} GB are wanted (min_free). Let go of more, or give the host more disk."
    ]


def known_nodes(builders: Sequence[object]) -> frozenset[str]:
    """Names of nodes in buildx's own records of builders, each as it was read from JSON. What is no such record is left out."""
    found: set[str] = set()
    for builder in builders:
        nodes = builder.get("Nodes") if isinstance(builder, dict) else None
        found |= {str(node.get("Name")) for node in _listed(nodes) if isinstance(node, dict)}
    return frozenset(found)


def _listed(value: object) -> Collection[object]:
    return value if isinstance(value, list) else ()
