# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: native_hosts
short_description: Hosts that run the images of platforms without emulation
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - For each platform the first host that is native to it, else the one that drives, which has an emulator or fails.
extends_documentation_fragment:
  - imagefleet.dify.fleet
  - imagefleet.dify.fleet.platforms
positional: hostvars, platforms, driving
options:
  driving:
    description: The host that drives. It comes first where several are native.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where images are tested
  ansible.builtin.debug:
    msg: "{{ groups['build_hosts'] | imagefleet.dify.native_hosts(hostvars, images_platforms, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: Dictionaries of C(host) and its C(platforms), each host once.
  type: list
  elements: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx import fleet


def native_hosts(
    hosts: Sequence[str], hostvars: Mapping[str, Any], platforms: Sequence[str], driving: str
) -> list[dict[str, Any]]:
    """See :func:`fleet.native_hosts`."""
    return fleet.native_hosts(fleet.read_hosts(hosts, hostvars), platforms, driving)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"native_hosts": native_hosts}
