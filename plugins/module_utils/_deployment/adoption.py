# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking over a deployment that was made by hand: what its environment files say is kept."""

from __future__ import annotations

import os
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import is_secret
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment_file import (
    parse_environment,
    resolve_environment,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import (
    environment_files,
    read_variables,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference

#: Nobody knows which migrations its database has had.
_UNKNOWN = ""


def adopted_release(services: Mapping[str, Service]) -> Release:
    """What a deployment that is to be taken over is, as far as its Compose file tells: an upgrade from it is one like any other.

    :param services: that it starts.
    """
    images = {name: {"wanted": service.image or "", "digest": _UNKNOWN} for name, service in services.items()}
    api = next((service.image for service in services.values() if service.component == "api" and service.image), "")
    version = (parse_reference(api).tag or _UNKNOWN) if api else _UNKNOWN
    return Release(_UNKNOWN, version, None, images, _UNKNOWN, (), {}, _UNKNOWN, _UNKNOWN)


def adopted_values(project: str) -> dict[str, str]:
    """The values of a deployment in a folder that are its owner's: secrets, and what is otherwise than in its own examples.

    :param project: the folder with its Compose file and ``.env``.
    :raises CollectionError: there is no such deployment.
    """
    files = environment_files(project) if os.path.isdir(project) else {}
    if ".env" not in files:
        raise CollectionError(
            f"{project} is no deployment that can be taken over: it has no file .env. Give the folder docker of the deployment."
        )
    variables = read_variables(project)
    names, defaults = variables.names(), variables.defaults()
    written: dict[str, str] = {}
    for text in files.values():
        written.update(parse_environment(text))
    own = resolve_environment(*variables.texts(), *files.values())
    return {
        key: own[key]
        for key in written
        if (is_secret(key) and own[key]) or (key in names and written[key] != defaults.get(key, ""))
    }
