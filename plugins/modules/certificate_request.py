#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_request
short_description: A request for a certificate of a key on the host
version_added: 0.1.0
description:
  - Makes a private key where there is none, and returns a request for a certificate of it. The key never leaves the host.
  - M(imagefleet.dify.certificate) signs the request on the host that an authority is on, with names of its own.
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - OpenSSL 1.1.1 or newer on the host
attributes:
  check_mode:
    support: full
    description: Makes no key. Without one there is no request either.
  diff_mode:
    support: full
    description: Says whether there is a key.
options:
  key:
    description: File for the private key, elliptic (P-256) when it is made, readable by its owner alone.
    type: path
    required: true
  name:
    description: What the request calls itself. Whoever signs it need not care.
    type: str
    default: imagefleet.dify
seealso:
  - module: imagefleet.dify.certificate
"""

EXAMPLES = r"""
- name: Make a key, and ask for a certificate
  imagefleet.dify.certificate_request:
    key: "{{ folder }}/node.key"
  register: node
"""

RETURN = r"""
request:
  description: The request, in PEM. Empty in check mode where there is no key.
  type: str
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import Openssl, openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import lock_on
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole

SPEC = ArgumentSpec(
    options={
        "key": {"type": "path", "required": True, "no_log": False},
        "name": {"type": "str", "default": "imagefleet.dify"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    key, name = module.params["key"], module.params["name"]
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise CollectionError(f"name is {name[:80]!r}, and a certificate's name has 1 to 64 characters on one line.")
    with lock_on(key, not module.check_mode), task_workspace(module.tmpdir, "certificate-request") as folder:
        openssl = Openssl(openssl_cli(module.run_command), folder)
        missing = not os.path.exists(key)
        if missing and not module.check_mode:
            write_whole(key, openssl.make_key(), 0o600)
        request = "" if missing and module.check_mode else openssl.make_request(key, name)
    return {
        "changed": missing,
        "request": request,
        "diff": {"before": {"key": "absent" if missing else "present"}, "after": {"key": "present"}},
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
