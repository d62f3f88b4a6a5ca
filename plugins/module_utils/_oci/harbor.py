# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Harbor wants to have before an image is pushed: the project that a repository lies in.

Interface: https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml (``/projects``)
"""

from __future__ import annotations

import json
from typing import Mapping
from urllib.parse import urlencode

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.transport import RegistrySettings, send, uses_tls

_EXISTS = 409


def make_project(settings: RegistrySettings, project: str, login: Mapping[str, str], timeout: int) -> bool:
    """Make a project that only its members see, unless it is there; whether it was made.

    :param login: headers with which Harbor knows us.
    :param timeout: seconds for one request.
    :raises CollectionError: the account may not, or no Harbor answers there.
    """
    projects = f"{'https' if uses_tls(settings) else 'http'}://{settings.host}/api/v2.0/projects"
    asked = send(settings, "HEAD", f"{projects}?{urlencode({'project_name': project})}", login, timeout=timeout)
    if asked.status == 200:
        return False
    body = json.dumps({"project_name": project, "metadata": {"public": "false"}}).encode()
    headers = {**login, "Content-Type": "application/json", "Content-Length": str(len(body))}
    made = send(settings, "POST", projects, headers, body, timeout)
    if made.status in (201, _EXISTS):
        # Somebody may have been faster.
        return made.status != _EXISTS
    raise CollectionError(
        f"Harbor at {settings.host} does not make the project {project}: {_reason(made.status)}.",
        registry=settings.host,
        status=made.status,
    )


def _reason(status: int) -> str:
    if status in (401, 403):
        return "the account may not. Make it there by hand, or log in as somebody who may make projects"
    if status == 404:
        return "no Harbor answers there. Take create out of its entry in registries"
    return f"it answers {status}. Look at its log, or make it there by hand"
