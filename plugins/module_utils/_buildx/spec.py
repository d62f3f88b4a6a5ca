# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module that uses buildx has, and the client made from them.

Documented in the fragment ``plugins/doc_fragments/buildx.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient

BUILDX_SPEC = ArgumentSpec(
    options={
        "docker_cli": {"type": "path", "default": "docker"},
        "buildx_config": {"type": "path"},
    },
)


def buildx_client(module: AnsibleModule) -> BuildxClient:
    """The client for the ``docker_cli`` and ``buildx_config`` that the task names."""
    # What builds nothing does not need it.
    from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient
    from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli

    folder = module.params["buildx_config"]
    environment = {"BUILDX_CONFIG": folder} if folder else {}
    return BuildxClient(Cli(module.run_command, module.params["docker_cli"], environment))
