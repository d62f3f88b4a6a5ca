# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: buildkit_settings
short_description: Settings for buildkitd.toml from a list of registries
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Garbage collection, certificate authorities, plain or insecure registries, and mirrors of any registry.
positional: disk_gb, certificates
options:
  _input:
    description: Entries as in the collection's C(registries) variable.
    type: list
    elements: dict
    required: true
  disk_gb:
    description:
      - Size in gigabytes of the file system that holds the data; garbage collection follows from it. With V(none) each daemon
        takes shares of its own, and daemons on different disks have the same settings.
    type: int
    required: true
  certificates:
    description:
      - Folder in which the daemon sees the authority of each registry, as C(HOST/ca.crt). By default where the host has them.
    type: str
"""

EXAMPLES = r"""
- name: Show the settings for a registry with a certificate authority of its own
  ansible.builtin.debug:
    msg: "{{ [{'host': 'registry.example.com', 'ca': '/etc/ssl/own.pem'}] | imagefleet.dify.buildkit_settings(200) }}"
"""

RETURN = r"""
_value:
  description: Settings for O(imagefleet.dify.buildx_builder#module:buildkitd_config).
  type: dict
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.settings import buildkit_settings


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"buildkit_settings": buildkit_settings}
