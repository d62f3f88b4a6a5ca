# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login for one call of buildx, which keeps its own state where it is."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.login import login_environment
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings


def docker_config_folder(
    settings: Sequence[RegistrySettings], docker_config: str | None, buildx_folder: str, workspace: str
) -> dict[str, str]:
    """The environment that makes buildx log in as the task says, with its state in ``buildx_folder``."""
    environment = login_environment(settings, docker_config, workspace)
    # buildx looks for its state below another configuration of the client.
    return {**environment, "BUILDX_CONFIG": buildx_folder} if any(entry.username for entry in settings) else environment
