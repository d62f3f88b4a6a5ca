# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: client_addresses
short_description: Addresses that a host connects from
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - By the facts of a host, the addresses of its interfaces that are no bridges, and of its default routes.
options:
  _input:
    description: The host's facts, with those of its network.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what a firewall of its peers has to let in
  ansible.builtin.debug:
    msg: "{{ ansible_facts | imagefleet.dify.client_addresses }}"
"""

RETURN = r"""
_value:
  description: The addresses, sorted.
  type: list
  elements: str
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.fleet import client_addresses


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"client_addresses": client_addresses}
