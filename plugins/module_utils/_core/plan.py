# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module is going to do, as a value: computed without doing it, returned in check mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Tuple

Command = Tuple[str, ...]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """The commands that turn ``before`` into ``after``, in order. No commands, no change.

    :param before: the state that was found, as JSON types; None when there is nothing.
    :param after: the state that the commands lead to; None when there will be nothing.
    :param commands: argument vectors without the program's own path, free of secrets.
    :param reasons: why, one sentence per difference found.
    """

    before: State | None
    after: State | None
    commands: tuple[Command, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.commands)

    def result(self) -> dict[str, Any]:
        """The keys that every planning module returns, the same in check mode and out of it."""
        return {
            "changed": self.changed,
            "commands": [list(command) for command in self.commands],
            "reasons": list(self.reasons),
            "diff": {"before": dict(self.before or {}), "after": dict(self.after or {})},
        }
