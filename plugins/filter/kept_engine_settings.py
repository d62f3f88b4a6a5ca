# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kept_engine_settings
short_description: What stays of daemon.json
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Settings of the engine for others to be merged over. Lists of registries are emptied where others decide them alone.
positional: owned
options:
  _input:
    description: The settings that are in the file.
    type: dict
    required: true
  owned:
    description: Whether C(insecure-registries) and C(registry-mirrors) are to hold nothing but what is merged over them.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Show the settings that are not the collection's
  ansible.builtin.debug:
    msg: "{{ {'debug': true, 'registry-mirrors': ['https://old.example.com']} | imagefleet.dify.kept_engine_settings(true) }}"
"""

RETURN = r"""
_value:
  description: The settings that stay.
  type: dict
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.settings import kept_settings


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kept_engine_settings": kept_settings}
