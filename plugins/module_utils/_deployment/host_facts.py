# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has, read without changing anything."""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Iterable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.disk import disk_of
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preflight import HostFacts

_CONNECT_SECONDS = 10


def read_host(
    docker: Cli, project: str, folders: Iterable[str], ports: Sequence[int], data: str | None = None
) -> HostFacts:
    """Facts of this host.

    :param project: whose own containers may have the ports, and the data.
    :param folders: of which the free space is asked; one that is not there yet counts as the one that it will be in.
    :param data: the data folder.
    """
    own = _own_ports(docker, project)
    return HostFacts(
        engine=_version(docker, "version", "--format", "{{.Server.Version}}"),
        compose=_version(docker, "compose", "version", "--short"),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        free={folder: disk_of(folder).free for folder in dict.fromkeys(folders)},
        occupied=[port for port in ports if port not in own and _is_taken(port)],
        writers=_writers(docker, project, os.path.realpath(data)) if data else {},
    )


def find_unreachable(external: Mapping[str, Iterable[str]]) -> list[str]:
    """Of services by name and where they are, as ``HOST:PORT``, those that this host cannot connect to, with why."""
    found = []
    for name, places in sorted(external.items()):
        for place in places:
            host, colon, port = place.rpartition(":")
            if not colon or not port.isdigit():
                continue
            try:
                socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
            except OSError as error:
                found.append(f"{name} at {place}: {error.strerror or error}")
    return found


def _version(docker: Cli, *arguments: str) -> str | None:
    try:
        done = docker.run(*arguments, check=False)
    except MissingPrerequisite:
        return None
    return done.stdout.strip() or None if done.rc == 0 else None


def _own_ports(docker: Cli, project: str) -> set[int]:
    """Ports of the host that containers of the project have."""
    listed = ("ps", "--filter", f"label=com.docker.compose.project={project}", "--format", "{{.Ports}}")
    try:
        done = docker.run(*listed, check=False)
    except MissingPrerequisite:
        return set()
    return {
        int(port)
        for line in done.stdout.splitlines()
        for mapping in line.split(", ")
        for port in [mapping.partition("->")[0].rpartition(":")[2]]
        if "->" in mapping and port.isdigit()
    }


def _writers(docker: Cli, project: str, data: str) -> dict[str, str]:
    """Containers that run, belong to no or another project, and have something below a folder. By name, that project's."""
    try:
        running = docker.run("ps", "--quiet", "--no-trunc", check=False).stdout.split()
        # One that has ended meanwhile is told by the exit code, and does not count.
        done = docker.run("container", "inspect", *running, check=False) if running else None
    except MissingPrerequisite:
        return {}
    found = {}
    for container in json.loads((done and done.stdout) or "[]"):
        other = (container["Config"].get("Labels") or {}).get("com.docker.compose.project", "")
        sources = [os.path.realpath(mount.get("Source") or "/") for mount in container.get("Mounts") or ()]
        if other != project and any(f"{source}/".startswith(f"{data}/") for source in sources):
            found[container["Name"].lstrip("/")] = other
    return found


def _is_taken(port: int) -> bool:
    """Whether somebody listens on a port of any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
