# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a builder is declared to be: by the user, or by what buildx recorded. Two declarations compare with ``==``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    DOCKER,
    DOCKER_CONTAINER,
    KUBERNETES,
    REMOTE,
    Builder,
    Node,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.buildkitd_config import (
    CONFIG_FILE,
    recorded_config,
    wanted_config,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.toml import render_toml
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platforms

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
# buildx adds it to the flags of a container driver's daemon when the user allows no entitlement himself.
_ADDED_FLAG = "--allow-insecure-entitlement=network.host"
_TLS_OPTIONS = {"ca": "cacert", "cert": "cert", "key": "key", "servername": "servername"}


@dataclass(frozen=True)
class NodeDeclaration:
    """One node as declared.

    :param endpoint: None when nobody named one: buildx takes the current Docker endpoint.
    :param config: the daemon's configuration in comparable form; None when it is not compared.
    :param files: the configuration to give to buildx, certificates included when buildx recorded them. Not compared,
        and never part of a result.
    """

    name: str
    endpoint: str | None = None
    platforms: tuple[Platform, ...] = ()
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    config: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON types, with the names of the module's options."""
        described: dict[str, Any] = {
            "name": self.name,
            "endpoint": self.endpoint,
            "platforms": [str(platform) for platform in self.platforms],
            "driver_opts": dict(self.driver_opts),
            "buildkitd_flags": list(self.flags),
        }
        return described if self.config is None else {**described, "buildkitd_config": dict(self.config)}


@dataclass(frozen=True)
class BuilderDeclaration:
    """A builder as declared."""

    name: str
    driver: str
    nodes: tuple[NodeDeclaration, ...]

    def find_node(self, name: str) -> NodeDeclaration | None:
        return next((node for node in self.nodes if node.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON types; the nodes by name, as their order is not compared."""
        nodes = [node.to_dict() for node in sorted(self.nodes, key=lambda node: node.name)]
        return {"name": self.name, "driver": self.driver, "nodes": nodes}


def recorded_declaration(builder: Builder, compare_config: bool = False) -> BuilderDeclaration:
    """What buildx recorded of the builder."""
    return BuilderDeclaration(
        builder.name, builder.driver, tuple(_recorded_node(node, compare_config) for node in builder.nodes)
    )


def _recorded_node(node: Node, compare_config: bool) -> NodeDeclaration:
    return NodeDeclaration(
        name=node.name,
        endpoint=node.endpoint,
        platforms=node.platforms,
        driver_opts=node.driver_opts,
        flags=_with_one_added(node.flags),
        config=recorded_config(node.files) if compare_config else None,
        files=node.files,
    )


def _with_one_added(flags: tuple[str, ...]) -> tuple[str, ...]:
    # buildx adds its flag once more when it is given among others.
    while flags[-2:] == (_ADDED_FLAG, _ADDED_FLAG):
        flags = flags[:-1]
    return flags


def wanted_declaration(
    options: Mapping[str, Any], current: Builder | None, contents: Mapping[str, bytes]
) -> BuilderDeclaration:
    """What the user declared, with every option left out filled from ``current``.

    :param options: the parameters of the module ``buildx_builder``.
    :param contents: of the certificate files that ``buildkitd_config`` names, by path.
    :raises CollectionError: the options contradict each other, or the driver.
    """
    name = options["name"]
    if not _NAME.fullmatch(name):
        raise CollectionError(
            f"{name!r} is no name for a builder: it starts with a letter and holds letters, digits, '.', '_' and '-'."
        )
    driver = options["driver"] or (current.driver if current else DOCKER_CONTAINER)
    kept = current if current and current.driver == driver else None
    config = options["buildkitd_config"]
    entries = options["nodes"]
    if entries is None:
        entries = [{"name": node.name} for node in kept.nodes] if kept else [{}]
    names = _node_names(entries, name, kept)
    nodes = tuple(
        _wanted_node(entry, node_name, kept.find_node(node_name) if kept else None)
        for entry, node_name in zip(entries, names)
    )
    if config is not None:
        declared = {CONFIG_FILE: render_toml(config).encode()}
        nodes = tuple(replace(node, config=wanted_config(config, contents), files=declared) for node in nodes)
    if driver == DOCKER_CONTAINER and len(nodes) == 1:
        nodes = (_with_host_network(nodes[0], given=entries[0].get("driver_opts"), is_new=kept is None),)
    declaration = BuilderDeclaration(current.name if current else name, driver, nodes)
    _check(declaration, has_config=config is not None)
    return declaration


def _node_names(entries: Sequence[Mapping[str, Any]], builder: str, kept: Builder | None) -> tuple[str, ...]:
    """A node without a name is the recorded one at its endpoint, or the only one, else it is called as buildx would."""
    recorded = kept.nodes if kept else ()
    taken = {entry["name"] for entry in entries if entry.get("name")}
    names: list[str] = []
    for index, entry in enumerate(entries):
        at_endpoint = [n.name for n in recorded if n.name not in taken and n.endpoint == entry.get("endpoint")]
        only = [recorded[0].name] if len(recorded) == len(entries) == 1 else []
        name = entry.get("name") or next(iter((*at_endpoint, *only)), f"{builder}{index}")
        taken.add(name)
        names.append(name)
    return tuple(names)


def _wanted_node(entry: Mapping[str, Any], name: str, found: Node | None) -> NodeDeclaration:
    filled = _recorded_node(found, compare_config=False) if found else NodeDeclaration(name)
    endpoint = entry.get("endpoint") or filled.endpoint
    platforms = filled.platforms if entry.get("platforms") is None else parse_platforms(entry["platforms"])
    flags = filled.flags if entry.get("buildkitd_flags") is None else tuple(entry["buildkitd_flags"])
    return replace(
        filled,
        endpoint=endpoint,
        platforms=filled.platforms if set(platforms) == set(filled.platforms) else platforms,
        driver_opts=_driver_opts(entry, filled.driver_opts),
        flags=filled.flags if filled.flags == (*flags, _ADDED_FLAG) else flags,
    )


def _driver_opts(entry: Mapping[str, Any], filled: Mapping[str, str]) -> Mapping[str, str]:
    given, tls = entry.get("driver_opts"), entry.get("tls")
    if given is None and tls is None:
        return filled
    files = {_TLS_OPTIONS[key]: value for key, value in (tls or {}).items() if value is not None}
    return {**{key: _option_text(value) for key, value in (given or {}).items() if value is not None}, **files}


def _option_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_host_network(node: NodeDeclaration, given: Any, is_new: bool) -> NodeDeclaration:
    """With the host's network a registry on loopback is the same for the node as for this host."""
    local = Node(node.name, node.endpoint).is_local
    if not local or "network" in node.driver_opts or (given is None and not is_new):
        return node
    return replace(node, driver_opts={**node.driver_opts, "network": "host"})


def _check(wanted: BuilderDeclaration, has_config: bool) -> None:
    if wanted.driver == DOCKER:
        return
    what = f"Builder {wanted.name} with driver {wanted.driver}"
    if not wanted.nodes:
        raise CollectionError(f"{what} has no nodes. List at least one, or use state=absent.")
    for node in wanted.nodes:
        _check_node(wanted.driver, node, f"{what}, node {node.name}")
    for key, values in (
        ("name", [node.name for node in wanted.nodes]),
        ("endpoint", [node.endpoint for node in wanted.nodes if node.endpoint]),
    ):
        repeated = sorted({value for value in values if values.count(value) > 1})
        if repeated:
            raise CollectionError(f"{what}: two nodes have the {key} {repeated[0]}. Each node needs its own.")
    _check_platforms(wanted.nodes, what)
    if has_config and wanted.driver == REMOTE:
        raise CollectionError(
            f"{what} takes no buildkitd_config: its daemons run already. Configure them where they run."
        )


def _check_platforms(nodes: Sequence[NodeDeclaration], what: str) -> None:
    """buildx takes a platform away from a node when a later one declares it.

    Source: https://github.com/docker/buildx/blob/master/store/nodegroup.go
    """
    declared: dict[Platform, str] = {}
    for node in nodes:
        for platform in node.platforms:
            before = declared.setdefault(platform, node.name)
            if before != node.name:
                raise CollectionError(
                    f"{what}: the nodes {before} and {node.name} both declare {platform}, and buildx leaves a platform to one "
                    "node. Leave it out of the platforms of one of them: it is there for what it detects while the other is away."
                )


def _check_node(driver: str, node: NodeDeclaration, what: str) -> None:
    if not _NAME.fullmatch(node.name):
        raise CollectionError(f"{what}: a name starts with a letter and holds letters, digits, '.', '_' and '-'.")
    if driver == REMOTE and not node.endpoint:
        raise CollectionError(f"{what}: the endpoint is missing. Give the daemon's, such as tcp://arm-host:1234.")
    if driver == REMOTE and "://" not in (node.endpoint or ""):
        raise CollectionError(f"{what}: {node.endpoint} is no endpoint. Write tcp://HOST:PORT or unix:///PATH.")
    if driver == REMOTE and node.flags:
        raise CollectionError(f"{what} takes no buildkitd_flags: its daemon runs already. Configure it where it runs.")
    if driver == KUBERNETES and node.endpoint and not node.endpoint.startswith("kubernetes://"):
        raise CollectionError(f"{what} takes no endpoint. Use driver_opts such as namespace and nodeselector.")
    if driver != REMOTE and any(option in node.driver_opts for option in _TLS_OPTIONS.values()):
        raise CollectionError(f"{what} takes no tls: buildx speaks TLS to remote daemons only.")
