# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the engine (``daemon.json``) and of BuildKit (``buildkitd.toml``) from one list of registries.

Sources: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file and
https://docs.docker.com/build/buildkit/toml-configuration/
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import is_loopback

Registry = Mapping[str, Any]

# What dockerd reads again on SIGHUP, of the settings that this collection writes or a user is likely to change.
RELOADABLE = frozenset(
    (
        "debug",
        "insecure-registries",
        "labels",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "shutdown-timeout",
    )
)
HUB = "docker.io"
# Whom the engine trusts without a certificate, and whom it asks in place of Docker Hub.
REGISTRY_LISTS = ("insecure-registries", "registry-mirrors")
# As :func:`_cache_sizes`, but for the least space to keep. The engine knows no shares.
_CACHE_SHARES = ("10%", "60%", "10%")


def engine_settings(registries: Sequence[Registry], disk_gb: int) -> dict[str, Any]:
    """The part of ``daemon.json`` that this collection decides.

    :param registries: entries of the public list ``registries``: ``host``, ``http``, ``insecure``, ``mirrors_of``.
    :param disk_gb: size of the file system that holds the engine's data, in gigabytes.
    """
    reserved, maximum, free = _cache_sizes(disk_gb)
    collection = {
        "enabled": True,
        "defaultKeepStorage": reserved,  # engines before 28 know only this one
        "defaultReservedSpace": reserved,
        "defaultMaxUsedSpace": maximum,
        "defaultMinFreeSpace": free,
    }
    settings: dict[str, Any] = {"features": {"containerd-snapshotter": True}, "builder": {"gc": collection}}
    insecure = [registry["host"] for registry in registries if registry.get("insecure") or registry.get("http")]
    mirrors = [_url(registry) for registry in registries if HUB in (registry.get("mirrors_of") or ())]
    if insecure:
        settings["insecure-registries"] = insecure
    if mirrors:
        settings["registry-mirrors"] = mirrors
    return settings


def kept_settings(current: Mapping[str, Any], owned: bool) -> dict[str, Any]:
    """What stays of ``daemon.json``, for the collection's settings and the user's to be merged over.

    :param owned: whether the lists of registries are the collection's: entries are then those that it names, and no others.
        A list stays as an empty one, as dockerd keeps what it had when it reads settings again and finds no list.
    """
    return {key: [] if owned and key in REGISTRY_LISTS else value for key, value in current.items()}


def buildkit_settings(
    registries: Sequence[Registry], disk_gb: int | None, certificates: str | None = None
) -> dict[str, Any]:
    """The part of ``buildkitd.toml`` that this collection decides; parameters as for :func:`engine_settings`.

    :param disk_gb: None where several daemons are to have the same settings: each then takes shares of its own disk.
    :param certificates: folder in which the daemon sees the authority of each registry, as ``HOST/ca.crt``. Where it
        is None it sees them where the host has them.
    """
    reserved, maximum, free = _CACHE_SHARES if disk_gb is None else _cache_sizes(disk_gb)
    worker = {"gc": True, "reservedSpace": reserved, "maxUsedSpace": maximum, "minFreeSpace": free}
    tables: dict[str, dict[str, Any]] = {}
    for registry in registries:
        table: dict[str, Any] = {key: True for key in ("http", "insecure") if registry.get(key)}
        if registry.get("ca"):
            table["ca"] = [f"{certificates}/{registry['host']}/ca.crt" if certificates else registry["ca"]]
            if is_loopback(registry["host"]):
                # Which BuildKit speaks HTTP to, unless it is told.
                table["http"] = False
        if table:
            tables.setdefault(registry["host"], {}).update(table)
        for mirrored in registry.get("mirrors_of") or ():
            tables.setdefault(mirrored, {}).setdefault("mirrors", []).append(registry["host"])
    settings: dict[str, Any] = {"worker": {"oci": worker}}
    if tables:
        settings["registry"] = tables
    return settings


def needs_restart(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a running engine must restart to get from ``current`` to ``wanted``; else a reload will do.

    What is no longer there is not read again, so a restart alone brings its default back.
    """
    changed = {key for key in {*current, *wanted} if current.get(key) != wanted.get(key)}
    return not changed <= RELOADABLE & wanted.keys()


def _cache_sizes(disk_gb: int) -> tuple[str, str, str]:
    """Build cache that is never collected, that is the most, and free space to keep: 10, 60 and 10 % of the disk."""
    return f"{disk_gb // 10}GB", f"{disk_gb * 6 // 10}GB", f"{max(10, disk_gb // 10)}GB"


def _url(registry: Registry) -> str:
    return f"{'http' if registry.get('http') else 'https'}://{registry['host']}"
