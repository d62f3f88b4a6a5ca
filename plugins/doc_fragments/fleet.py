# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what filters over the hosts of a fleet are given; ``plugins/module_utils/_buildx/fleet.py`` reads it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  _input:
    description: Names of the hosts in the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - Variables of all hosts, with the fact C(architecture) of those that can be reached.
      - Of each host count C(build_host_node_address), C(build_host_node_port) and C(build_host_drained),
        besides what Ansible connects by.
    type: dict
    required: true
"""

    PLATFORMS = r"""
options:
  platforms:
    description: Platforms that the fleet is to build.
    type: list
    elements: str
    required: true
"""
