# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platforms: ``os/architecture[/variant]``, normalised as containerd does.

Source of the aliases: https://pkg.go.dev/github.com/containerd/platforms
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

_ALIASES = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "i386": ("386", None),
    "i686": ("386", None),
}
_ARCHITECTURES = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x")
)
_DEFAULT_VARIANTS = {("arm64", "v8"), ("amd64", "v1")}
_PLATFORM = re.compile(
    r"(?:(?P<os>[a-z0-9_.-]+)/)?(?P<architecture>[a-z0-9_-]+)(?:/(?P<variant>v?[0-9a-z.]+))?", re.ASCII
)


@dataclass(frozen=True, order=True)
class Platform:
    """What a manifest is for. Equal values are equal platforms: the default variant is left out."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def parse_platform(text: str) -> Platform:
    """Parse ``linux/arm64``, ``aarch64``, ``linux/arm/v7`` and the like.

    :raises CollectionError: no platform that BuildKit knows.
    """
    match = _PLATFORM.fullmatch(text.strip().lower())
    os = (match["os"] if match else None) or "linux"
    architecture, variant = (match["architecture"], match["variant"]) if match else ("", None)
    if architecture in _ALIASES:
        alias, implied = _ALIASES[architecture]
        architecture, variant = alias, variant or implied
    if not match or os not in ("linux", "windows") or architecture not in _ARCHITECTURES:
        raise CollectionError(
            f"{text!r} is not a platform. Write os/architecture[/variant], such as linux/amd64 or linux/arm64; "
            f"architectures known are {', '.join(sorted(_ARCHITECTURES))}.",
            platform=text,
        )
    if architecture == "arm" and variant is None:
        variant = "v7"
    if (architecture, variant) in _DEFAULT_VARIANTS:
        variant = None
    return Platform(os, architecture, variant)


def parse_platforms(texts: Iterable[str]) -> tuple[Platform, ...]:
    """Parse each, drop repetitions, keep the order."""
    return tuple(dict.fromkeys(parse_platform(text) for text in texts))
