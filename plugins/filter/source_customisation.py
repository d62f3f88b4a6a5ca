# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: source_customisation
short_description: Options of image_build for what is compiled into a component
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - A default language, a base path and brand assets are compiled into web. This turns them into build arguments, replaced
    texts and files of the context, where the source's generation has them, and fails with the reason where it has not.
options:
  _input:
    description: The component's entry of C(images_customisation).
    type: dict
    required: true
  component:
    description: Name of the component.
    type: str
    required: true
  profile:
    description: What M(imagefleet.dify.source_profile#module) says of it.
    type: dict
    required: true
  version:
    description: What a message calls the source.
    type: str
    default: the source
positional: component, profile, version
"""

EXAMPLES = r"""
- name: Show what a default language means for a build
  ansible.builtin.debug:
    msg: "{{ {'default_locale': 'zh-Hans'} | imagefleet.dify.source_customisation('web', profile.components.web) }}"
"""

RETURN = r"""
_value:
  description: C(args), C(replacements) and C(context_files), as M(imagefleet.dify.image_build#module) takes them.
  type: dict
"""

from typing import Any, Callable, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.source_customisation import source_customisation


def options_of(
    customisation: Mapping[str, Any], component: str, profile: Mapping[str, Any], version: str = "the source"
) -> dict[str, Any]:
    """The options, or an error that Ansible shows as it is."""
    try:
        return source_customisation(component, profile, customisation, version)
    except CollectionError as error:
        raise AnsibleFilterError(error.msg) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"source_customisation": options_of}
