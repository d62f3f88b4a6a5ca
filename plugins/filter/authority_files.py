# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: authority_files
short_description: Files for the certificate store of a host
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Takes a bundle apart, as a certificate store links each file by the one certificate that is in it.
options:
  _input:
    description: Certificates in PEM form. What else is in between is left out.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show under which names a host has the certificates of a bundle
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'files/authorities.pem') | imagefleet.dify.authority_files | list }}"
"""

RETURN = r"""
_value:
  description: The certificates, each by the name of its file without the suffix. With another bundle all names are others.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._engine import authorities


def authority_files(bundle: str) -> dict[str, str]:
    """See :func:`authorities.authority_files`, with an error that Ansible shows as it is."""
    try:
        return authorities.authority_files(bundle)
    except CollectionError as error:
        raise AnsibleFilterError(error.msg) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"authority_files": authority_files}
