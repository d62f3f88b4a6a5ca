# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specifications that can be merged, so that each shared group of options stands in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Mapping


@dataclass(frozen=True)
class ArgumentSpec:
    """The constructor arguments of ``AnsibleModule`` as a value.

    Mirrors the mergeable argument specs of community.crypto.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[Any, ...], ...] = ()
    required_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """This specification with the options and constraints of ``others`` added; a later option wins."""
        merged = self
        for other in others:
            merged = ArgumentSpec(
                **{f.name: _join(getattr(merged, f.name), getattr(other, f.name)) for f in fields(ArgumentSpec)}
            )
        return merged

    def to_kwargs(self) -> dict[str, Any]:
        """Keyword arguments for ``AnsibleModule``."""
        return {
            "argument_spec": dict(self.options),
            "mutually_exclusive": self.mutually_exclusive,
            "required_together": self.required_together,
            "required_one_of": self.required_one_of,
            "required_if": self.required_if,
            "required_by": dict(self.required_by),
        }


def _join(left: Any, right: Any) -> Any:
    return {**left, **right} if isinstance(left, Mapping) else (*left, *right)
