# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that goes on top of the source's own Compose file, which stays untouched. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Collection, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.nginx import OURS

#: A label whose value follows the content of mounted files, so that Compose recreates what mounts one that changed.
FILES_LABEL = "dev.imagefleet.mounted-files"
#: Tags of Compose: what the file below has is gone, or is this and nothing else.
_RESET, _OVERRIDE = " !reset", " !override"
RELEASE_COMMENT = (
    "# Written by imagefleet.dify. It pins what the Compose file beside it names; changes here are lost.\n"
)
#: How the api's image is asked in each mode, where the Compose file does not. It has Python; not each has curl.
_API_CHECK = (
    "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open("
    "'http://127.0.0.1:' + (os.environ.get('DIFY_PORT') or '%s') + '/health', timeout=15)"
)
_PROCESS_CHECK = (
    "import glob, sys; "
    "sys.exit(not any(b'celery' in open(path, 'rb').read() for path in glob.glob('/proc/[0-9]*/cmdline')))"
)  # fmt: skip
_WEB_CHECK = (
    "const hosts = ['127.0.0.1', require('os').hostname()], path = (process.env.NEXT_PUBLIC_BASE_PATH || '') + '/'; "
    "(function ask() { require('http').get({host: hosts.shift(), port: process.env.PORT || 3000, path, timeout: 15000}, "
    "(answer) => process.exit(answer.statusCode < 500 ? 0 : 1)).on('error', () => hosts.length ? ask() : process.exit(1)) })()"
)  # fmt: skip

#: A start counts as failed by the time that a run waits for it, not by the check: a busy host takes minutes, and Compose gives up
#: on the first ``unhealthy``. The check counts from its first success on.
_START_SECONDS = 900


@dataclass(frozen=True)
class Wishes:
    """What a user wants of every service or of one.

    :param logging: a Compose ``logging`` section for all services; empty to leave them.
    :param resources: limits by service, such as ``{"cpus": "1.5", "memory": "2g"}``.
    :param api_port: where the api listens in its container.
    :param external: services that are the user's own: they are no part of the deployment, and nobody waits for them.
    :param nginx_conf_target: where nginx has its configuration, which ours takes the place of; empty to leave it.
    """

    logging: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    api_port: int = 5001
    nginx_conf_target: str = ""
    external: Collection[str] = ()


def override(
    services: Mapping[str, Service], pins: Mapping[str, str], files: Mapping[str, str], wishes: Wishes
) -> dict[str, Any]:
    """The document of the file on top.

    :param pins: by service, the reference with its digest.
    :param files: by service, a hash over the mounted files that are part of the release; none for those that mount none.
    """
    sections: dict[str, Any] = {f"{name}{_RESET}": None for name in services if name in wishes.external}
    for name, service in services.items():
        if name not in wishes.external:
            sections[name] = _service(service, pins.get(name), files.get(name), wishes)
            if set(service.depends_on) & set(wishes.external):
                sections[name][f"depends_on{_OVERRIDE}"] = {
                    other: {"condition": condition, "required": other in services}
                    for other, condition in service.depends_on.items()
                    if other not in wishes.external
                }
    return {"services": sections}


def render(document: Mapping[str, Any]) -> str:
    """As a file: JSON is YAML, and needs no library on the host. A tag at the end of a key comes before its value."""
    text = json.dumps(document, indent=2, sort_keys=True)
    return RELEASE_COMMENT + re.sub(rf'({_RESET}|{_OVERRIDE})": ', r'":\1 ', text) + "\n"


def _service(service: Service, pin: str | None, files: str | None, wishes: Wishes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if service.name == "nginx" and wishes.nginx_conf_target:
        found["volumes"] = [f"./{OURS}:{wishes.nginx_conf_target}"]
    if pin:
        found["image"] = pin
    if files:
        found["labels"] = {FILES_LABEL: files}
    if service.runs_the_program:
        # Migrations are a job of their own.
        found["environment"] = {"MIGRATION_ENABLED": "false"}
    check = None if service.has_health_check else _health_check(service, wishes.api_port)
    if check:
        found["healthcheck"] = check
    if wishes.logging:
        found["logging"] = dict(wishes.logging)
    if service.name in wishes.resources:
        found["deploy"] = {"resources": {"limits": dict(wishes.resources[service.name])}}
    return found


def _health_check(service: Service, api_port: int) -> dict[str, Any] | None:
    if service.component == "web":
        test = ["CMD", "node", "-e", _WEB_CHECK]
    elif not service.runs_the_program:
        return None
    elif service.mode in (None, "api"):
        test = ["CMD", "python3", "-c", _API_CHECK % api_port]
    else:
        test = ["CMD", "python3", "-c", _PROCESS_CHECK]
    # A dollar sign would be Compose's own.
    return {
        "test": [part.replace("$", "$$") for part in test],
        "interval": "10s",
        "timeout": "20s",
        "retries": 6,
        "start_period": f"{_START_SECONDS}s",
    }
