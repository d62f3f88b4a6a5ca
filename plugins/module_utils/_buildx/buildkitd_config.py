# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of a node's daemon (``buildkitd.toml``): made comparable, and carried over to a new node.

buildx changes a configuration when it records it: the certificate files that the registries name are stored beside it,
and their paths become paths in the node's container (``/etc/buildkit/certs/HOST/FILE``). So a configuration compares by
the certificates' content.

Source: https://github.com/docker/buildx/blob/master/util/confutil/container.go
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import Any, Callable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.toml import parse_toml, render_toml

CONFIG_FILE = "buildkitd.toml"
_IN_CONTAINER = "/etc/buildkit/"


def certificate_paths(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The local files that the configuration names for registries (``ca``, and ``key`` and ``cert`` of ``keypair``)."""
    paths: list[str] = []

    def collect(path: str) -> str:
        paths.append(path)
        return path

    _map_certificates(config, collect)
    return tuple(dict.fromkeys(paths))


def wanted_config(config: Mapping[str, Any], contents: Mapping[str, bytes]) -> dict[str, Any]:
    """What the user declared, made comparable.

    :param contents: of the files in :func:`certificate_paths`, by path.
    """
    return _map_certificates(parse_toml(render_toml(config)), lambda path: _digest(path, contents.get(path)))


def recorded_config(files: Mapping[str, bytes]) -> dict[str, Any]:
    """What buildx recorded for a node, made comparable; empty when it recorded none."""
    return _map_certificates(_document(files), lambda path: _digest(path, _recorded_content(files, path)))


def staged_files(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """The files to write below ``folder`` for ``buildx create``, by absolute path.

    ``files`` are as buildx recorded them, or just the configuration. Certificates that buildx recorded are written too,
    and the configuration names them there; other certificates are named where they are.
    """
    staged: dict[str, bytes] = {}

    def stage(path: str) -> str:
        content = _recorded_content(files, path)
        if content is None:
            return path
        local = posixpath.join(folder, path[len(_IN_CONTAINER) :])
        staged[local] = content
        return local

    staged[posixpath.join(folder, CONFIG_FILE)] = render_toml(_map_certificates(_document(files), stage)).encode()
    return staged


def _document(files: Mapping[str, bytes]) -> dict[str, Any]:
    return parse_toml(files.get(CONFIG_FILE, b"").decode("utf-8", errors="replace"))


def _recorded_content(files: Mapping[str, bytes], path: str) -> bytes | None:
    return files.get(path[len(_IN_CONTAINER) :]) if path.startswith(_IN_CONTAINER) else None


def _digest(path: str, content: bytes | None) -> str:
    if content is None:
        return path
    return f"{posixpath.basename(path)} sha256:{hashlib.sha256(content).hexdigest()}"


def _map_certificates(config: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    registries = config.get("registry")
    if not isinstance(registries, Mapping):
        return dict(config)
    changed = {
        host: _map_registry(settings, change) if isinstance(settings, Mapping) else settings
        for host, settings in registries.items()
    }
    return {**config, "registry": changed}


def _map_registry(settings: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    changed = dict(settings)
    if isinstance(changed.get("ca"), list):
        changed["ca"] = [change(str(path)) for path in changed["ca"]]
    if isinstance(changed.get("keypair"), list):
        changed["keypair"] = [
            {key: change(value) if key in ("key", "cert") else value for key, value in pair.items()}
            for pair in changed["keypair"]
            if isinstance(pair, Mapping)
        ]
    return changed
