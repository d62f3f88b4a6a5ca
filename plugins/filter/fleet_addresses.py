# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_addresses
short_description: Where the hosts of a fleet are reached
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - The address of each host for builds, and the user and port of ssh, from what the inventory says.
extends_documentation_fragment:
  - imagefleet.dify.fleet
positional: hostvars
"""

EXAMPLES = r"""
- name: Show where the hosts of a fleet are
  ansible.builtin.debug:
    msg: "{{ groups['build_hosts'] | imagefleet.dify.fleet_addresses(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Dictionaries of C(address), C(user), C(ssh_port) and C(port), by the name of the host.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx import fleet


def fleet_addresses(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """See :func:`fleet.read_host`."""
    names = ("address", "user", "ssh_port", "port")
    return {host.name: {name: getattr(host, name) for name in names} for host in fleet.read_hosts(hosts, hostvars)}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_addresses": fleet_addresses}
