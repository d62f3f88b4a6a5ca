# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the registries of a deployment answer, take the login, and are known to the host's engine as what they are."""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, is_loopback


def unanswered(client: RegistryClient, references: Sequence[Reference]) -> list[CollectionError]:
    """Why registries do not let these be looked at, one error for each registry. That an image is not there is no reason."""
    problems: dict[str, CollectionError] = {}
    for reference in references:
        if reference.registry not in problems:
            try:
                client.find_digest(reference)
            except CollectionError as error:
                problems[reference.registry] = error
    return list(problems.values())


def read_engine_registries(docker: Cli) -> Mapping[str, Any]:
    """What the engine knows of registries; nothing where it does not answer."""
    try:
        done = docker.run("info", "--format", "{{json .RegistryConfig}}", check=False)
        found = json.loads(done.stdout or "null")
    except (MissingPrerequisite, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def unknown_to_engine(client: RegistryClient, hosts: Sequence[str], engine: Mapping[str, Any]) -> list[str]:
    """Registries that the task reaches by HTTP or without looking at their certificate, and the engine would not. Pure.

    :param engine: of :func:`read_engine_registries`.
    """
    found = []
    for host in dict.fromkeys(hosts):
        settings = client.settings_of(host)
        if (settings.http or settings.insecure) and not _is_insecure(host, engine):
            how = "over HTTP" if settings.http else "without a look at its certificate"
            found.append(
                f"The engine does not reach {host} {how}, as registries say: it is not in its insecure-registries. The "
                "provision playbook, with the same registries, puts it there."
            )
    return found


def _is_insecure(host: str, engine: Mapping[str, Any]) -> bool:
    if is_loopback(host):
        return True
    if not (engine.get("IndexConfigs") or {}).get(host, {}).get("Secure", True):
        return True
    try:
        address = ipaddress.ip_address(host.rpartition(":")[0].strip("[]") or host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each) for each in engine.get("InsecureRegistryCIDRs") or ())
