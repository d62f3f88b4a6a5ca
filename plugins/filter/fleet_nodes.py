# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_nodes
short_description: Nodes of one builder over the hosts of an inventory
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - A node for each host that can be reached and is not drained, with the platforms that are native to it.
  - A platform that no host is goes to hosts of amd64, or to all where none is amd64, which need an emulator for it.
extends_documentation_fragment:
  - imagefleet.dify.fleet
  - imagefleet.dify.fleet.platforms
positional: hostvars, platforms, driver, tls_folder, driver_opts
options:
  driver:
    description: V(remote) for daemons behind mutual TLS, V(docker-container) for engines behind ssh.
    type: str
    default: remote
  tls_folder:
    description: Folder of C(ca.crt), C(client.crt) and C(client.key) on the host that drives, for V(remote).
    type: str
  driver_opts:
    description: Options of each node for V(docker-container), such as C(image).
    type: dict
"""

EXAMPLES = r"""
- name: Show the nodes of a fleet
  ansible.builtin.debug:
    msg: "{{ groups['build_hosts'] | imagefleet.dify.fleet_nodes(hostvars, ['linux/amd64', 'linux/arm64']) }}"
"""

RETURN = r"""
_value:
  description: Nodes for O(imagefleet.dify.buildx_builder#module:nodes).
  type: list
  elements: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx import fleet


def fleet_nodes(
    hosts: Sequence[str],
    hostvars: Mapping[str, Any],
    platforms: Sequence[str],
    driver: str = "remote",
    tls_folder: str | None = None,
    driver_opts: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """See :func:`fleet.fleet_nodes`."""
    return fleet.fleet_nodes(fleet.read_hosts(hosts, hostvars), platforms, driver, tls_folder, driver_opts)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_nodes": fleet_nodes}
