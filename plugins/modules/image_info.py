#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: What a registry, the engine or an OCI layout holds under a reference
version_added: 0.1.0
description:
  - Reads platforms, digests, sizes, configuration, labels and the record of inputs of an image, without pulling it.
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
  reference:
    description:
      - The image. In a registry or the engine, C(registry/repository:tag) or with a digest; in a layout, its name there or a
        digest.
    type: str
    required: true
  source:
    description: Where to look.
    type: str
    choices: [registry, engine, oci_layout]
    default: registry
  path:
    description: Folder of the layout, for O(source=oci_layout).
    type: path
  docker_host:
    description: Address of the engine, for O(source=engine). By default E(DOCKER_HOST) or the local socket.
    type: str
seealso:
  - module: imagefleet.dify.image_build
"""

EXAMPLES = r"""
- name: Look at a tag
  imagefleet.dify.image_info:
    reference: localhost:5000/dify/dify-api:1.0.0
  register: api

- name: Say what it was made of
  ansible.builtin.debug:
    msg: "{{ api.image.inputs }}"
  when: api.exists

- name: Look at an image in the engine
  imagefleet.dify.image_info:
    reference: localhost:5000/dify/dify-api:1.0.0
    source: engine
"""

RETURN = r"""
exists:
  description: Whether there is anything under the reference.
  type: bool
  returned: always
image:
  description: What is there.
  type: dict
  returned: when it exists
  contains:
    digest:
      description: Digest of the index or manifest; the engine's id for an image there.
      type: str
    media_type:
      description: Its media type.
      type: str
    annotations:
      description: Its annotations.
      type: dict
    fingerprint:
      description: Fingerprint of the inputs it was built from; null when M(imagefleet.dify.image_build) did not build it.
      type: str
    inputs:
      description: The record of these inputs, without file lists; null when there is none.
      type: dict
    platforms:
      description: The platforms. An image in the engine is described as the engine does.
      type: list
      elements: dict
      contains:
        platform:
          description: The platform; null for an artifact that is no image.
          type: str
        digest:
          description: Digest of its manifest.
          type: str
        size:
          description: Compressed bytes of configuration and layers; bytes in the engine's store for an image there.
          type: int
        layers:
          description: Number of layers.
          type: int
        config:
          description: The image's configuration as it is stored. Its environment is in it, so what somebody hid there shows.
          type: dict
        labels:
          description: Its labels.
          type: dict
        annotations:
          description: Annotations of its manifest.
          type: dict
        attestations:
          description: Predicate types of its attestations.
          type: list
          elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.description import describe, describe_engine_image
from ansible_collections.imagefleet.dify.plugins.module_utils._image.store import OciLayoutStore, RegistryStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.layout import LayoutStore
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "reference": {"type": "str", "required": True},
        "source": {"type": "str", "choices": ["registry", "engine", "oci_layout"], "default": "registry"},
        "path": {"type": "path"},
        "docker_host": {"type": "str"},
    },
    required_if=(("source", "oci_layout", ("path",)),),
)


def run(module: AnsibleModule) -> dict[str, Any]:
    image = _find(module.params)
    return {"changed": False, "exists": image is not None, **({"image": image} if image else {})}


def _find(params: dict[str, Any]) -> dict[str, Any] | None:
    if params["source"] == "oci_layout":
        layout = OciLayoutStore(LayoutStore(params["path"]), "")
        manifest = layout.find(params["reference"])
        return describe(manifest, layout) if manifest else None
    reference = parse_reference(params["reference"])
    if params["source"] == "engine":
        inspected = EngineClient(params["docker_host"]).find_image(str(reference))
        return describe_engine_image(inspected) if inspected else None
    registry = RegistryStore(registry_client(params), reference)
    manifest = registry.client.find_manifest(reference)
    return describe(manifest, registry) if manifest else None


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
