# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look after one node of a builder: its cache, and the certificates between it and this host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_failure import explain_failure
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_cache import (
    is_too_much,
    parse_reclaimed,
    parse_usage,
    prune_arguments,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.chain import Shown, read_chain, read_shown
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli


@dataclass(frozen=True)
class NodeUpkeep:
    """What was found of a node, and done.

    :param cache, reclaimed: in bytes; ``cache`` is None where it does not answer.
    :param prunes: whether some of it goes, or went.
    :param certificates: what it shows, then the client's own.
    :param error: why it does not answer, or does not let go.
    """

    name: str
    endpoint: str | None
    cache: int | None = None
    prunes: bool = False
    reclaimed: int = 0
    certificates: tuple[Shown, ...] = ()
    error: str | None = None

    def problems(self, now: datetime, warn_days: int) -> list[str]:
        """What is to be told of it.

        :param now: in UTC, without a zone.
        """
        place = f"Node {self.name} ({self.endpoint or 'the current Docker endpoint'})"
        fails = "does not answer" if self.cache is None else "does not let go of its cache"
        return [
            *([f"{place} {fails}: {self.error}"] if self.error else []),
            *(
                f"The certificate {shown.subject} between {place} and this host {shown.how_it_ends(now)}: the provision playbook "
                "renews it."
                for shown in self.certificates
                if shown.is_due(now, warn_days)
            ),
        ]


def look_after(
    buildx: BuildxClient, openssl: Cli, builder: Builder, node: Node, most: int | None, only_look: bool
) -> NodeUpkeep:
    """See what the node keeps, and let go of what is more than it may have.

    :param most: bytes that it keeps, the newest; None for all.
    """
    found = NodeUpkeep(node.name, node.endpoint, certificates=_certificates(openssl, node))
    told = buildx.run_on_node(builder, node, "du")
    cache = parse_usage(told.stdout)
    if told.rc != 0 or cache is None:
        return replace(found, error=explain_failure(told.last_lines()))
    found = replace(found, cache=cache.size)
    if most is None or not is_too_much(cache, most):
        return found
    if only_look:
        return replace(found, prunes=True)
    done = buildx.run_on_node(builder, node, *prune_arguments(most, buildx.version()))
    error = explain_failure(done.last_lines()) if done.rc != 0 else None
    return replace(found, prunes=True, reclaimed=parse_reclaimed(done.stdout), error=error)


def _certificates(openssl: Cli, node: Node) -> tuple[Shown, ...]:
    address = urlsplit(node.endpoint or "")
    if address.scheme != "tcp" or not node.driver_opts.get("cert"):
        return ()
    return (*read_chain(openssl, address.netloc), read_shown(openssl, node.driver_opts["cert"]))
