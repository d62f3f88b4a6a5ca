# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two things timed in turn, so that a machine whose speed drifts is as slow for the one as for the other."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Callable

Run = Callable[[], None]


@dataclass(frozen=True)
class Pairs:
    """Seconds of each run, in their order."""

    ours: tuple[float, ...]
    beside: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median of the pairs' ratios."""
        return statistics.median(ours / beside for ours, beside in zip(self.ours, self.beside))


def seconds(run: Run) -> float:
    """How long one run takes."""
    start = time.monotonic()
    run()
    return time.monotonic() - start


def timed_in_turn(ours: Run, beside: Run, runs: int, before: Run = lambda: None) -> Pairs:
    """Run both ``runs`` times, one after the other.

    :param before: brings the machine into the state that each of them starts from; not timed.
    """
    pairs = []
    for _number in range(runs):
        before()
        first = seconds(ours)
        before()
        pairs.append((first, seconds(beside)))
    return Pairs(tuple(ours for ours, _beside in pairs), tuple(beside for _ours, beside in pairs))
