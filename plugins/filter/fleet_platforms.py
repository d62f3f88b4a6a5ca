# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_platforms
short_description: Platforms of each host of a fleet
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - What is native to each host that can be reached and is not drained, and what it emulates as no host is of that platform.
extends_documentation_fragment:
  - imagefleet.dify.fleet
  - imagefleet.dify.fleet.platforms
positional: hostvars, platforms
"""

EXAMPLES = r"""
- name: Show what each host of a fleet builds
  ansible.builtin.debug:
    msg: "{{ groups['build_hosts'] | imagefleet.dify.fleet_platforms(hostvars, ['linux/amd64', 'linux/arm64']) }}"
"""

RETURN = r"""
_value:
  description: Lists of platforms, by the name of the host. Empty for one that is drained, null for one that cannot be reached.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx import fleet


def fleet_platforms(
    hosts: Sequence[str], hostvars: Mapping[str, Any], platforms: Sequence[str]
) -> dict[str, list[str] | None]:
    """See :func:`fleet.share_platforms`."""
    shared = fleet.share_platforms(fleet.read_hosts(hosts, hostvars), platforms)
    return {host: None if own is None else list(own) for host, own in shared.items()}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_platforms": fleet_platforms}
