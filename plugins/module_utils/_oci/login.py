# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login for one call of a program that reads Docker's client configuration: in a folder that goes with the call."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from typing import Any, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import DOCKER_HUB
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings

_HUB_KEY = "https://index.docker.io/v1/"


def login_environment(
    settings: Sequence[RegistrySettings], docker_config: str | None, workspace: str
) -> dict[str, str]:
    """The environment that makes ``docker``, buildx or cosign log in as the task says.

    Without credentials in ``settings`` nothing is written. Else a client configuration is made in ``workspace``: the
    user's own with the task's logins added, and a link to its plugins. The caller removes the workspace.
    """
    logins = {
        _HUB_KEY if entry.host == DOCKER_HUB else entry.host: {
            "auth": b64encode(f"{entry.username}:{entry.password or ''}".encode()).decode()
        }
        for entry in settings
        if entry.username
    }
    if not logins:
        return {"DOCKER_CONFIG": docker_config} if docker_config else {}
    original = docker_config or os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    folder = os.path.join(workspace, "docker-config")
    os.makedirs(folder, mode=0o700)
    config = _read(os.path.join(original, "config.json"))
    helpers = {host: helper for host, helper in (config.get("credHelpers") or {}).items() if host not in logins}
    # A store of credentials would be asked before the logins below.
    config.pop("credsStore", None)
    config.update({"auths": {**(config.get("auths") or {}), **logins}, "credHelpers": helpers})
    descriptor = os.open(os.path.join(folder, "config.json"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(config, file)
    for name in ("cli-plugins", "contexts"):
        if os.path.isdir(os.path.join(original, name)):
            os.symlink(os.path.join(original, name), os.path.join(folder, name))
    return {"DOCKER_CONFIG": folder}


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            config: dict[str, Any] = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return config
