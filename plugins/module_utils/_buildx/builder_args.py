# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument vectors of the commands that define builders, one function each. ``docker`` itself is left out."""

from __future__ import annotations

import csv
import io
import posixpath
import shlex
from typing import Tuple

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.buildkitd_config import CONFIG_FILE
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import (
    BuilderDeclaration,
    NodeDeclaration,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.plan import Command

Version = Tuple[int, int, int]

# https://github.com/docker/buildx/pull/2268
_CONFIG_OPTION_RENAMED: Version = (0, 13, 0)


def create_args(
    builder: BuilderDeclaration, node: NodeDeclaration, version: Version, folder: str, append: bool = False
) -> Command:
    """Create the builder with this node, or add the node to it.

    :param folder: below which the node's ``files`` were written, see :func:`node_folder`.
    """
    config = posixpath.join(node_folder(folder, node), CONFIG_FILE)
    return (
        *("buildx", "create", "--name", builder.name, "--node", node.name, "--driver", builder.driver),
        *(("--append",) if append else ()),
        *(("--platform", ",".join(map(str, node.platforms))) if node.platforms else ()),
        *(
            part
            for option in sorted(node.driver_opts.items())
            for part in ("--driver-opt", _csv_field("=".join(option)))
        ),
        *(("--buildkitd-flags", shlex.join(node.flags)) if node.flags else ()),
        *((config_option(version), config) if CONFIG_FILE in node.files else ()),
        *((node.endpoint,) if node.endpoint and not node.endpoint.startswith("kubernetes://") else ()),
    )


def node_folder(folder: str, node: NodeDeclaration) -> str:
    """Where the files of the node's configuration lie while ``buildx create`` runs."""
    return posixpath.join(folder, node.name)


def config_option(version: Version) -> str:
    """How ``buildx create`` calls the file with the daemon's configuration."""
    return "--buildkitd-config" if version >= _CONFIG_OPTION_RENAMED else "--config"


def leave_args(builder: str, node: str) -> Command:
    """Take the node out of the record. A container of it goes on running."""
    return ("buildx", "create", "--name", builder, "--node", node, "--leave")


def remove_container_args(node: NodeDeclaration) -> Command:
    """Remove the container of a ``docker-container`` node that has left; the volume with its cache stays."""
    endpoint = node.endpoint or "default"
    return ("--host" if "://" in endpoint else "--context", endpoint, "rm", "--force", f"buildx_buildkit_{node.name}")


def remove_args(builder: str, keep_state: bool) -> Command:
    """Remove the builder, its daemons, and unless ``keep_state`` their caches."""
    return ("buildx", "rm", *(("--keep-state",) if keep_state else ()), builder)


def bootstrap_args(builder: str) -> Command:
    """Start the daemons that do not run, and wait for them."""
    return ("buildx", "inspect", "--bootstrap", builder)


def stop_args(builder: str) -> Command:
    """Stop the daemons."""
    return ("buildx", "stop", builder)


def use_args(builder: str) -> Command:
    """Make the builder the one that is taken when none is named."""
    return ("buildx", "use", builder)


def _csv_field(text: str) -> str:
    # buildx reads each --driver-opt as a line of CSV.
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()
