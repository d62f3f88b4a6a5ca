# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node keeps of builds: how buildx tells it, and which of it a policy lets go. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_args import Version

#: What buildx writes at the end of ``du`` and ``prune``, in units of 1000.
_LINE = re.compile(
    r"^(?P<name>Private|Reclaimable|Total):\s+(?P<number>[0-9.]+(?:e[+]?[0-9]+)?)(?P<unit>[kMGTPE]?)B\s*$", re.MULTILINE
)
#: Before, there was one by another name.
_KNOWS_TWO_LIMITS: Version = (0, 19, 0)
_UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True)
class NodeCache:
    """The cache of a node.

    :param size: in bytes, to the four digits that buildx tells; without what an engine has anyway, as it is of images. Limits are
        for the rest.
    :param reclaimable: of it and of images, what no build is at.
    """

    size: int
    reclaimable: int


def parse_usage(output: str) -> NodeCache | None:
    """What ``buildx du`` printed; None where it tells no total."""
    told = _totals(output)
    if "Total" not in told:
        return None
    return NodeCache(told.get("Private", told["Total"]), told.get("Reclaimable", told["Total"]))


def parse_reclaimed(output: str) -> int:
    """The bytes that went, by what ``buildx prune`` printed."""
    return _totals(output).get("Total", 0)


def is_too_much(cache: NodeCache, most: int) -> bool:
    """Whether some of it goes.

    :param most: bytes that are kept.
    """
    return cache.size > most and cache.reclaimable > 0


def prune_arguments(most: int, version: Version) -> tuple[str, ...]:
    """What buildx is told, so that the newest ``most`` bytes stay.

    :param version: of buildx.
    """
    if not most:
        limits: tuple[str, ...] = ()
    elif version < _KNOWS_TWO_LIMITS:
        limits = ("--keep-storage", str(most))
    else:
        # BuildKit before 0.17 knows the first alone.
        limits = ("--reserved-space", str(most), "--max-used-space", str(most))
    return ("prune", "--force", "--all", *limits)


def _totals(output: str) -> dict[str, int]:
    return {
        found["name"]: round(float(found["number"]) * 1000 ** _UNITS.index(found["unit"]))
        for found in _LINE.finditer(output)
    }
