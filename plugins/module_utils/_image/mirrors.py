# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors of the places that builds download from. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Mapping
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@dataclass(frozen=True)
class Mirrors:
    """Addresses by what is downloaded from them, without a slash at the end; None for the place that a tool takes itself.

    :param pip: simple index of Python packages; also for uv and Poetry.
    :param pip_files: where that index keeps its files, for lock files that hold addresses. ``<index>/packages`` by default.
    :param npm: registry of Node packages; also for yarn, pnpm and corepack.
    :param apt: what stands before ``/debian``, ``/debian-security``, ``/ubuntu`` and ``/ubuntu-ports``.
    :param apt_snapshot: in the place of ``https://snapshot.debian.org``.
    :param apk: what stands before ``/alpine``.
    :param node: releases of Node, and headers for native modules.
    :param go: a Go module proxy, or several with commas.
    :param nltk: a copy of the nltk_data repository (the folder that has ``index.xml``).
    :param tiktoken: in the place of ``https://openaipublic.blob.core.windows.net``.
    """

    pip: str | None = None
    pip_files: str | None = None
    npm: str | None = None
    apt: str | None = None
    apt_snapshot: str | None = None
    apk: str | None = None
    node: str | None = None
    go: str | None = None
    nltk: str | None = None
    tiktoken: str | None = None


#: Presets by name. Mirrors that anybody may use, as guides for that region name them.
PRESETS = {
    "cn": Mirrors(
        pip="https://pypi.tuna.tsinghua.edu.cn/simple",
        npm="https://registry.npmmirror.com",
        apt="https://mirrors.tuna.tsinghua.edu.cn",
        apk="https://mirrors.tuna.tsinghua.edu.cn",
        node="https://npmmirror.com/mirrors/node",
        go="https://goproxy.cn,direct",
    )
}
# They would need quoting in shells and settings, and no mirror has them.
_REFUSED = frozenset(" '\"|\\#$`")
_KEYS = tuple(field.name for field in fields(Mirrors))


def parse_mirrors(values: Mapping[str, Any] | None) -> Mirrors:
    """Mirrors as a user gives them.

    :param values: addresses by key; ``preset`` names one of :data:`PRESETS`, which the other keys change.
    :raises CollectionError: an unknown key or preset, or an address that is none.
    """
    given = {key: value for key, value in (values or {}).items() if value not in (None, "")}
    preset = given.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise CollectionError(f"mirrors has the preset {preset!r}; known are {', '.join(PRESETS)}.")
    unknown = sorted(set(map(str, given)) - set(_KEYS))
    if unknown:
        raise CollectionError(f"mirrors has {', '.join(unknown)}; known are preset, {', '.join(_KEYS)}.")
    start = PRESETS[preset] if preset else Mirrors()
    merged = {key: _address(key, given[key]) if key in given else getattr(start, key) for key in _KEYS}
    if merged["pip"] and not merged["pip_files"]:
        merged["pip_files"] = files_beside(merged["pip"])
    return Mirrors(**merged)


def files_beside(index: str) -> str:
    """Where an index made like PyPI keeps its files: ``…/packages`` beside ``…/simple``.

    Mirrors made by bandersnatch are so; a repository manager may differ, and then ``pip_files`` says it.
    """
    start = index[: -len("/simple")] if index.endswith("/simple") else index
    return f"{start}/packages"


def passwords_of(addresses: Mapping[str, Any] | Mirrors) -> tuple[str, ...]:
    """Passwords in addresses, to be masked wherever a tool repeats them."""
    values = addresses.values() if isinstance(addresses, Mapping) else (getattr(addresses, key) for key in _KEYS)
    parts = [part for value in values if value for part in str(value).split(",") if "://" in part]
    return tuple(sorted({password for part in parts if (password := urlsplit(part).password)}))


def without_user_info(address: str) -> str:
    """An address that may be shown."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _address(key: str, value: Any) -> str:
    text = str(value).rstrip("/")
    # Go takes several, and words such as "direct" and "off".
    addresses = [part for part in text.split(",") if part not in ("direct", "off")] if key == "go" else [text]
    for address in addresses:
        parts = urlsplit(address)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or not address.isprintable()
            or _REFUSED & set(address)
        ):
            raise CollectionError(
                f"mirrors.{key} is {without_user_info(text)!r}, which is no http or https address.", mirror=key
            )
    return text
