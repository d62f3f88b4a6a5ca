# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module that talks to a registry, and the client made from them.

Documented in the fragment ``plugins/doc_fragments/registries.py``.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

REGISTRIES_SPEC = ArgumentSpec(
    options={
        "registries": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "host": {"type": "str", "required": True},
                "ca": {"type": "path"},
                "insecure": {"type": "bool", "default": False},
                "http": {"type": "bool", "default": False},
                "username": {"type": "str"},
                "password": {"type": "str", "no_log": True},
                "mirrors_of": {"type": "list", "elements": "str", "default": []},
                "create": {"type": "str", "choices": ["harbor"]},
            },
            "required_together": [("username", "password")],
            "mutually_exclusive": [("http", "ca")],
        },
        "docker_config": {"type": "path"},
    }
)


def registry_client(params: Mapping[str, Any]) -> RegistryClient:
    """The client for the ``registries`` and ``docker_config`` of a task.

    :raises CollectionError: two entries are for the same host.
    """
    settings = [
        RegistrySettings(
            host=entry["host"],
            ca=entry.get("ca"),
            insecure=bool(entry.get("insecure")),
            http=bool(entry.get("http")),
            username=entry.get("username"),
            password=entry.get("password"),
            mirrors_of=tuple(entry.get("mirrors_of") or ()),
            create=entry.get("create"),
        )
        for entry in params["registries"]
    ]
    hosts = [entry.host for entry in settings]
    repeated = sorted({host for host in hosts if hosts.count(host) > 1})
    if repeated:
        raise CollectionError(f"registries has more than one entry for {', '.join(repeated)}. Make it one.")
    return RegistryClient(settings, params["docker_config"])
