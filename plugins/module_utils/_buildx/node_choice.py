# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which node of a builder builds which platform: where it is native, else where an emulator is. Pure.

buildx takes the first node that declares the platform. When none does, it takes the first one that can build it at all,
also under emulation, however native a later one is. So what nobody declares is declared for the time of a build, in a
copy of the builder's record.

Source: https://github.com/docker/buildx/blob/master/build/resolver/driver.go
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import silent_nodes
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform


@dataclass(frozen=True)
class NodeChoice:
    """The node that builds a platform.

    :param native: whether it runs that platform without emulation; None where only the build can tell, as buildx hides
        what a node detects behind what was declared for it.
    """

    node: Node
    native: bool | None


def native_platform(node: Node) -> Platform | None:
    """What the node runs without emulation: BuildKit lists it first. None when it was not asked, or something is declared."""
    return replace(node.detected[0], variant=None) if node.detected and not node.platforms else None


def choose_nodes(builder: Builder, platforms: Sequence[Platform]) -> dict[Platform, NodeChoice]:
    """The node for each platform that any can build: the one that declares it, else a native one, else any other.

    :param builder: with its nodes asked.
    """
    chosen = {platform: _choose(builder.nodes, platform) for platform in platforms}
    return {platform: choice for platform, choice in chosen.items() if choice is not None}


def without_silent_nodes(builder: Builder) -> Builder:
    """The builder as it is while the nodes that cannot be reached are left out."""
    silent = silent_nodes(builder)
    return replace(builder, nodes=tuple(node for node in builder.nodes if node not in silent))


def needs_record(builder: Builder, choices: Mapping[Platform, NodeChoice]) -> bool:
    """Whether buildx has to be told. With one node, or where those chosen declare their platforms, it chooses the same."""
    return len(builder.nodes) > 1 and any(_is_undeclared(platform, choice) for platform, choice in choices.items())


def record_for(record: str, builder: Builder, choices: Mapping[Platform, NodeChoice]) -> str:
    """buildx's record of a builder, with only the nodes of ``builder``, each declaring what it was chosen for."""
    document = json.loads(record)
    by_node: dict[str, list[Platform]] = {node.name: [] for node in builder.nodes}
    for platform, choice in choices.items():
        if _is_undeclared(platform, choice):
            by_node[choice.node.name].append(platform)
    nodes = []
    for node in document["Nodes"]:
        if node["Name"] in by_node:
            added = [_recorded(platform) for platform in by_node[node["Name"]]]
            nodes.append({**node, "Platforms": [*(node.get("Platforms") or []), *added]})
    return json.dumps({**document, "Nodes": nodes})


def _choose(nodes: Sequence[Node], platform: Platform) -> NodeChoice | None:
    able = [node for node in nodes if platform in node.can_build()]
    declaring = next((node for node in able if platform in node.platforms), None)
    if declaring is not None:
        return NodeChoice(declaring, None)
    native = next((node for node in able if native_platform(node) == replace(platform, variant=None)), None)
    if native is not None:
        return NodeChoice(native, True)
    if able:
        return NodeChoice(able[0], None if able[0].platforms else False)
    # A daemon in a container that is stopped tells nothing until the build starts it.
    unknown = next((node for node in nodes if not node.can_build()), None)
    return NodeChoice(unknown, None) if unknown else None


def _is_undeclared(platform: Platform, choice: NodeChoice) -> bool:
    return platform in choice.node.detected and platform not in choice.node.platforms


def _recorded(platform: Platform) -> dict[str, str]:
    described = {"architecture": platform.architecture, "os": platform.os}
    return {**described, "variant": platform.variant} if platform.variant else described
