# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that were asked and cannot be reached: who they are, and what a user can do. Pure."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER, REMOTE, Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform


def silent_nodes(builder: Builder) -> tuple[Node, ...]:
    """The nodes that no build can reach. A daemon in a container that is stopped is none: a build starts it."""
    return tuple(node for node in builder.nodes if node.error)


# What ssh prints, and what a user can do.
_OVER_SSH = {
    "Host key verification failed": (
        "Another host key than the pinned one is shown there, or none is pinned: make sure that it is that machine, and pin its "
        "key, as a run of provision does."
    ),
    "Permission denied": "Let the key of this host in there, as a run of provision does.",
}


def describe_silence(builder: Builder, node: Node) -> str:
    """One sentence on the node, and one on what to do."""
    place = node.endpoint or "the current Docker endpoint"
    remedy = {
        DOCKER: "Start the engine.",
        REMOTE: "Start its daemon, check that this host reaches it and that tls is right, or let the node leave the builder.",
    }.get(builder.driver, "Start the engine there, check that this host reaches it, or let the node leave the builder.")
    remedy = next((remedy for said, remedy in _OVER_SSH.items() if said in (node.error or "")), remedy)
    return f"Node {node.name} of builder {builder.name} ({place}) cannot be reached: {(node.error or '').rstrip('.')}. {remedy}"


def require_answers(builder: Builder, platforms: Sequence[Platform]) -> None:
    """The nodes, having been asked, can be reached as far as builds for the platforms need them.

    :raises CollectionError: one cannot.
    """
    silent = silent_nodes(builder)
    for platform in platforms:
        needed = builder.nodes_asked_for(platform)
        for node in (node for node in needed if node in silent):
            why = (
                f"builds {platform}"
                if platform in node.platforms
                else f"is asked for {platform}, as no node declares that platform"
            )
            raise CollectionError(
                f"{describe_silence(builder, node)} It {why}.",
                builder=builder.name,
                node=node.name,
                endpoint=node.endpoint,
                platform=str(platform),
            )
