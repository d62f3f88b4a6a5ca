# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: component_tests
short_description: Smoke tests of a component, with those that its source needs
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Adds what only the source tells. The page that web answers with, and data that the api's build downloads (for nltk and
    tiktoken), which must be in the image without a network.
options:
  _input:
    description: Tests for all sources, as M(imagefleet.dify.image_smoke_test#module) takes them.
    type: list
    elements: dict
    required: true
  profile:
    description: What M(imagefleet.dify.source_profile#module) says of the component.
    type: dict
    required: true
  base_path:
    description: The path that the pages are served below.
    type: str
    default: ""
positional: profile, base_path
"""

EXAMPLES = r"""
- name: Show how an api is tested
  ansible.builtin.debug:
    msg: "{{ [{'name': 'it is for the platform', 'elf': 'auto'}] | imagefleet.dify.component_tests(profile.components.api) }}"
"""

RETURN = r"""
_value:
  description: The tests.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._image.component_tests import component_tests


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"component_tests": component_tests}
