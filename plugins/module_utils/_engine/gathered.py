# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from a build host's engine for its upkeep, and done to it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.disk import disk_of
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.upkeep import (
    BuilderVolume,
    HostFacts,
    Upkeep,
    known_nodes,
    node_of,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient


def read_host(engine: EngineClient, buildx_folders: Sequence[str]) -> HostFacts:
    """What the host has gathered.

    :param buildx_folders: where buildx keeps builders; a folder need not be there.
    :raises CollectionError: the engine does not say, or a builder's record cannot be read.
    """
    root = str(engine.info()["DockerRootDir"])
    # The engine has answered, so it is there.
    import docker

    api = engine.client.api
    try:
        # What images weigh takes the longest, and is not asked. The SDK has no such parameter.
        used = api._result(api._get(api._url("/system/df"), params={"type": ["build-cache", "volume"]}), True)
    except (docker.errors.DockerException, OSError) as error:
        raise CollectionError(
            f"The engine does not say what it has gathered: {error}. Try again when it is less busy."
        ) from error
    # One in a namespace of its own has a root of its own.
    disk = disk_of(root)
    cache = sum(int(each.get("Size") or 0) for each in used.get("BuildCache") or [] if not each.get("Shared"))
    volumes = [_volume(each) for each in used.get("Volumes") or [] if node_of(each["Name"])]
    return HostFacts(root, disk.total, disk.free, cache, tuple(volumes), known_nodes(_builders(buildx_folders)))


def apply_upkeep(engine: EngineClient, upkeep: Upkeep) -> int:
    """Let go of what is to go; the bytes that the build cache gave back.

    :raises CollectionError: the engine does not let go of something.
    """
    import docker

    try:
        for volume in upkeep.orphans:
            engine.client.api.remove_volume(volume.name)
        if upkeep.prune_to is None:
            return 0
        api = engine.client.api
        # The SDK passes no limit on before its version 6.
        answer = api._post(api._url("/build/prune"), params={"keep-storage": upkeep.prune_to, "all": "true"})
        return int(api._result(answer, True).get("SpaceReclaimed") or 0)
    except docker.errors.DockerException as error:
        raise CollectionError(
            f"The engine does not let go of what is to go: {error}. Try again when nothing builds."
        ) from error


def _volume(described: dict[str, Any]) -> BuilderVolume:
    usage = described.get("UsageData") or {}
    size = int(usage.get("Size", -1))
    created = datetime.strptime(described["CreatedAt"][:19], "%Y-%m-%dT%H:%M:%S")
    name = described["Name"]
    return BuilderVolume(name, node_of(name) or "", created, size if size >= 0 else None, usage.get("RefCount", 1) > 0)


def _builders(folders: Sequence[str]) -> list[object]:
    found = []
    for folder in folders:
        for path in sorted(Path(folder, "instances").glob("*")):
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                # Its nodes cannot be told from orphans.
                raise CollectionError(f"{path} cannot be read as buildx's record of a builder: {error}.") from error
    return found
