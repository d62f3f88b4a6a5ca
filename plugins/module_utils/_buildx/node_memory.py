# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory the nodes of a builder have, as far as anybody can be asked."""

from __future__ import annotations

import os
import re

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import (
    DOCKER,
    DOCKER_CONTAINER,
    KUBERNETES,
    REMOTE,
    Builder,
    Node,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def memory_of_nodes(builder: Builder, cli: Cli) -> dict[str, int | None]:
    """Bytes by the node's name; None for a daemon on another machine, whose protocol does not tell.

    Engines are asked; a node's own limit in its ``driver_opts`` counts where it is lower.

    :param cli: the ``docker`` program.
    """
    return {
        node.name: _smaller(_machine(builder.driver, node, cli), _limit(builder.driver, node)) for node in builder.nodes
    }


def parse_quantity(text: str) -> int | None:
    """Bytes of ``512m``, ``4g`` (Docker), ``4Gi`` or ``4G`` (Kubernetes); None for what is none of these."""
    match = _QUANTITY.fullmatch(text.strip())
    if not match:
        return None
    return int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])


def _limit(driver: str, node: Node) -> int | None:
    option = {DOCKER_CONTAINER: "memory", KUBERNETES: "limits.memory"}.get(driver)
    given = node.driver_opts.get(option, "") if option else ""
    return parse_quantity(given)


def _machine(driver: str, node: Node, cli: Cli) -> int | None:
    if driver in (DOCKER, DOCKER_CONTAINER):
        endpoint = node.endpoint or "default"
        where = ("--host", endpoint) if "://" in endpoint else ("--context", endpoint)
        answer = cli.run(*where, "info", "--format", "{{.MemTotal}}", check=False)
        return int(answer.stdout) if answer.rc == 0 and answer.stdout.strip().isdigit() else None
    if driver == REMOTE and node.is_local:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _smaller(*values: int | None) -> int | None:
    known = [value for value in values if value]
    return min(known) if known else None
