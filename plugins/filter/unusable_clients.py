# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unusable_clients
short_description: What a port cannot be opened for
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Of a list of clients, those that are neither an address nor a network in CIDR notation.
options:
  _input:
    description: The clients.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check whom the port is to be open for
  ansible.builtin.assert:
    that: "['192.0.2.1', '2001:db8::/64'] | imagefleet.dify.unusable_clients | length == 0"
"""

RETURN = r"""
_value:
  description: Those that are neither, in the order of the list.
  type: list
  elements: str
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.fleet import unusable_clients


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unusable_clients": unusable_clients}
