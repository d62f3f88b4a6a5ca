# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: buildkitd_toml
short_description: Settings as the text of buildkitd.toml
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Scalars before tables, keys quoted where TOML wants it, and what is none left out.
options:
  _input:
    description: The settings.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the configuration of a BuildKit daemon
  ansible.builtin.copy:
    content: "{{ {'grpc': {'address': ['tcp://127.0.0.1:1234']}} | imagefleet.dify.buildkitd_toml }}"
    dest: /etc/buildkit/buildkitd.toml
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.toml import render_toml


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"buildkitd_toml": render_toml}
