# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_settings
short_description: Settings for daemon.json from a list of registries
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - The containerd image store, garbage collection of the build cache, plain or insecure registries,
    and mirrors of Docker Hub.
positional: disk_gb
options:
  _input:
    description: Entries as in the collection's C(registries) variable.
    type: list
    elements: dict
    required: true
  disk_gb:
    description: Size in gigabytes of the file system that holds the data; garbage collection follows from it.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the settings for a host with a mirror of Docker Hub
  ansible.builtin.debug:
    msg: "{{ [{'host': 'mirror.example.com', 'mirrors_of': ['docker.io']}] | imagefleet.dify.engine_settings(200) }}"
"""

RETURN = r"""
_value:
  description: What the collection wants in C(/etc/docker/daemon.json).
  type: dict
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.settings import engine_settings


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_settings": engine_settings}
