# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: needs_engine_restart
short_description: Whether new settings of the engine need a restart
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Compares two versions of C(daemon.json). Some settings are read again on a reload, which disturbs no container.
positional: wanted
options:
  _input:
    description: The settings that the engine runs with.
    type: dict
    required: true
  wanted:
    description: The settings that it shall run with.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show that a new mirror needs a reload only
  ansible.builtin.debug:
    msg: "{{ {} | imagefleet.dify.needs_engine_restart({'registry-mirrors': ['https://mirror.example.com']}) }}"
"""

RETURN = r"""
_value:
  description: True when a restart is needed, false when a reload will do.
  type: bool
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.settings import needs_restart


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"needs_engine_restart": needs_restart}
