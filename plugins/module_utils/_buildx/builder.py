# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders and their nodes as values, read from what buildx records and from what ``buildx inspect`` prints.

Two sources, because neither has everything:

* the record ``BUILDX_CONFIG/instances/NAME`` (JSON) holds the declaration: driver, nodes, fixed platforms, driver
  options, daemon flags and the daemon's configuration (``Files``). ``buildx inspect`` leaves some of it out,
  depending on its version, and asks every node before it prints anything;
* ``buildx inspect NAME`` tells how the nodes are: status, BuildKit version, platforms they can build.

Source of the record's shape: https://github.com/docker/buildx/blob/master/store/nodegroup.go
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform

DOCKER = "docker"
DOCKER_CONTAINER = "docker-container"
REMOTE = "remote"
KUBERNETES = "kubernetes"
DRIVERS = (DOCKER, DOCKER_CONTAINER, REMOTE, KUBERNETES)

RUNNING = "running"

_LONG_ERROR = re.compile(r"^(Error:.*?)@*\n(?:.+\n)*(.+)$", re.MULTILINE)

_LOCAL_ENDPOINTS = (
    "unix://",
    "docker-container://",
    "tcp://localhost:",
    "tcp://127.",
    "tcp://[::1]:",
)


@dataclass(frozen=True)
class Node:
    """A BuildKit daemon in a builder: what was declared, and, when it was asked, how it is.

    :param endpoint: as buildx records it; None stands for the current Docker endpoint.
    :param platforms: fixed by ``--platform``; empty when buildx takes what the daemon detects.
    :param flags: of the daemon (``--buildkitd-flags``).
    :param files: the daemon's configuration files as recorded, by path below ``/etc/buildkit``. May hold private
        keys: never part of a result.
    :param detected: platforms that the daemon says it can build; empty until asked.
    :param status: ``running``, ``stopped``, ``inactive``, …; None until asked.
    :param error: why the node could not be asked.
    """

    name: str
    endpoint: str | None = None
    platforms: tuple[Platform, ...] = ()
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    detected: tuple[Platform, ...] = ()
    status: str | None = None
    buildkit_version: str | None = None
    error: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the daemon runs on this host, as far as its endpoint tells."""
        endpoint = self.endpoint or "unix://"
        return endpoint.startswith(_LOCAL_ENDPOINTS) or endpoint == "default"

    def can_build(self) -> tuple[Platform, ...]:
        """The platforms that buildx sends to this node: the fixed ones, then the detected ones."""
        return tuple(dict.fromkeys((*self.platforms, *self.detected)))


@dataclass(frozen=True)
class Builder:
    """A buildx instance. ``nodes`` are in the order in which buildx prefers them."""

    name: str
    driver: str
    nodes: tuple[Node, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether every node was asked and runs."""
        return bool(self.nodes) and all(node.status == RUNNING for node in self.nodes)

    @property
    def is_local(self) -> bool:
        """Whether every node runs on this host, so that a registry on loopback may be reached by all of them."""
        return self.driver != KUBERNETES and all(node.is_local for node in self.nodes)

    def platforms(self) -> tuple[Platform, ...]:
        """What the builder can build, each platform once; without the detected ones until the nodes were asked."""
        return tuple(dict.fromkeys(platform for node in self.nodes for platform in node.can_build()))

    def find_node(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.name == name), None)

    def nodes_asked_for(self, platform: Platform) -> tuple[Node, ...]:
        """The nodes without which buildx builds nothing for the platform, by what was declared.

        The first one that declares it builds it. When none does, buildx asks all of them, and each has to answer.
        """
        return next(((node,) for node in self.nodes if platform in node.platforms), self.nodes)


def docker_builder(name: str) -> Builder:
    """The builder that buildx derives from a Docker context: driver ``docker``, one node, no record."""
    return Builder(name, DOCKER, (Node(name, endpoint=name),))


def read_platform(text: str) -> Platform:
    """A platform as a tool reports it: normalised, and kept as it is when it is none of those we know."""
    try:
        return parse_platform(text)
    except CollectionError:
        os, _slash, rest = text.partition("/")
        architecture, _slash, variant = rest.partition("/")
        return Platform(os, architecture, variant or None)


def parse_instance(text: str, path: str) -> Builder:
    """Parse the record ``BUILDX_CONFIG/instances/NAME``.

    :raises CollectionError: no record of a builder; the message names ``path``.
    """
    try:
        record = json.loads(text)
        nodes = tuple(_parse_node(node) for node in record.get("Nodes") or ())
        return Builder(record["Name"], record["Driver"] or DOCKER_CONTAINER, nodes)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise CollectionError(
            f"{path} is not a builder that buildx recorded ({error}). Remove the file and create the builder again.",
            path=path,
        ) from error


def _parse_node(record: Mapping[str, Any]) -> Node:
    platforms = (
        "/".join(part for part in (item["os"], item["architecture"], item.get("variant")) if part)
        for item in record.get("Platforms") or ()
    )
    return Node(
        name=record["Name"],
        endpoint=record.get("Endpoint") or None,
        platforms=tuple(read_platform(platform) for platform in platforms),
        driver_opts=dict(record.get("DriverOpts") or {}),
        flags=tuple(record.get("Flags") or ()),
        files={name: base64.b64decode(data or "", validate=True) for name, data in (record.get("Files") or {}).items()},
    )


def with_status(builder: Builder, inspected: str) -> Builder:
    """The builder with what ``buildx inspect NAME`` printed about its nodes.

    Only lines that start a line are keys; what is indented belongs to labels, garbage collection rules or files.
    Fixed platforms carry a ``*`` there. Before 0.13 the version's key was ``Buildkit``. An error above the nodes (the
    engine of a Docker context does not answer) is every node's error. What a program on the way printed, such as ssh with
    its banners, makes it several lines, the last of which says why.
    """
    found: dict[str, dict[str, str]] = {}
    general: dict[str, str] = {}
    node = general
    in_nodes = False
    for line in _LONG_ERROR.sub(r"\1 \2", inspected.replace("\r\n", "\n")).splitlines():
        key, colon, value = line.partition(":")
        if not colon or line[:1].isspace():
            continue
        if key == "Nodes":
            in_nodes = True
        elif in_nodes and key == "Name":
            node = found.setdefault(value.strip(), {})
        else:
            node.setdefault(key, value.strip())
    error = {key: value for key, value in general.items() if key == "Error"}
    asked = (_add_status(node, found.get(node.name, error)) for node in builder.nodes)
    return replace(builder, nodes=tuple(map(_with_silence, asked) if builder.driver == REMOTE else asked))


def _with_silence(node: Node) -> Node:
    """buildx calls a remote daemon that does not answer inactive, and gives no reason."""
    if node.status == RUNNING or node.error:
        return node
    tls = " with the TLS files of the node" if node.driver_opts.keys() & {"cacert", "cert", "key"} else ""
    return replace(node, error=f"nothing answers at {node.endpoint}{tls}")


def _add_status(node: Node, fields: Mapping[str, str]) -> Node:
    listed = [name.strip() for name in fields.get("Platforms", "").split(",") if name.strip()]
    return replace(
        node,
        status=fields.get("Status"),
        buildkit_version=fields.get("BuildKit version") or fields.get("Buildkit") or None,
        detected=tuple(read_platform(name) for name in listed if not name.endswith("*")),
        error=fields.get("Error"),
    )
