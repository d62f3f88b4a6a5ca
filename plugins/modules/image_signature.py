#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_signature
short_description: Images are signed by whom they should be
version_added: 0.1.0
description:
  - Asks C(cosign), which has to be on the host, whether images in a registry are signed by a key or an identity, and fails
    with every image that is not, and why.
  - Signatures are found as bundles and as tags C(sha256-….sig). What cosign 3 signs by default, cosign 2 does not find.
  - Nothing is signed by this module.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Reads only, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  images:
    description: References with their digests, C(registry/repository@digest). That of an index is signed for all its platforms.
    type: list
    elements: str
    required: true
  key:
    description:
      - The public key. A path on the host, the text of the key in PEM, or an address that cosign knows, such as C(awskms://…).
      - It, or an identity and its issuer, is required.
    type: str
  identity:
    description: Who signed without a key, such as the address of a workflow.
    type: str
  identity_regexp:
    description: The same as a regular expression.
    type: str
  issuer:
    description: Who says who it was, such as C(https://token.actions.githubusercontent.com).
    type: str
  issuer_regexp:
    description: The same as a regular expression.
    type: str
  transparency_log:
    description: Whether the signature must be in the transparency log. By default with an identity, and not with a key.
    type: bool
  trusted_root:
    description: File of a trusted root, for a log and an authority of your own, or without a network.
    type: path
seealso:
  - module: imagefleet.dify.image_promote
"""

EXAMPLES = r"""
- name: Go on only with what we signed
  imagefleet.dify.image_signature:
    images: ["localhost:5000/dify/dify-api@{{ digest }}"]
    key: /etc/imagefleet/cosign.pub
"""

RETURN = r"""
images:
  description: Those that were looked at.
  type: list
  elements: dict
  returned: always
  contains:
    reference:
      description: The image.
      type: str
    verified:
      description: Whether it is signed by whom it should be.
      type: bool
    reason:
      description: Why not; empty where it is.
      type: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._image.signature import (
    Trust,
    explain,
    parse_images,
    parse_trust,
    verify_args,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.login import login_environment
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "images": {"type": "list", "elements": "str", "required": True},
        "key": {"type": "str", "no_log": False},
        "identity": {"type": "str"},
        "identity_regexp": {"type": "str"},
        "issuer": {"type": "str"},
        "issuer_regexp": {"type": "str"},
        "transparency_log": {"type": "bool"},
        "trusted_root": {"type": "path"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    images, trust, client = parse_images(params["images"]), parse_trust(params), registry_client(params)
    cosign = Cli(module.run_command, "cosign", provided_by="the package cosign")
    results = []
    with task_workspace(module.tmpdir, "image-signature") as folder:
        key_file = _write_key(trust, folder)
        login = login_environment(client.settings, params["docker_config"], folder)
        for reference in images.values():
            settings = client.settings_of(reference.registry)
            arguments = verify_args(trust, key_file, settings, reference)
            done = cosign.run(*arguments, environment=login, check=False)
            reason = explain(reference, trust, done.stderr) if done.rc != 0 else ""
            results.append({"reference": str(reference), "verified": not reason, "reason": reason})
    refused = [result["reason"] for result in results if not result["verified"]]
    if refused:
        raise CollectionError(
            f"{'; '.join(refused)}. Sign what is to be trusted, or correct whom to trust.", images=results
        )
    return {"changed": False, "images": results}


def _write_key(trust: Trust, folder: str) -> str | None:
    if not trust.key_text:
        return None
    path = os.path.join(folder, "cosign.pub")
    with open(path, "w", encoding="utf-8") as file:
        file.write(trust.key_text.strip() + "\n")
    return path


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
