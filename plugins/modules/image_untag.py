#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_untag
short_description: Tags that nobody needs leave a registry
version_added: 0.1.0
description:
  - Removes tags, and leaves what they point at with its other tags. What no tag points at any more,
    M(imagefleet.dify.image_prune) and the registry's garbage collection see to.
  - A registry deletes by digest, with all tags on it. So each tag is moved to an empty manifest of its own first, which is then
    deleted. The registry has to allow deletion.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Says which tags would be removed.
  diff_mode:
    support: full
    description: Shows the tags and what they point at.
options:
  repositories:
    description: Where the tags are, C(registry/repository).
    type: list
    elements: str
    required: true
  tags:
    description: Tags that go. One that is not there is fine.
    type: list
    elements: str
    default: []
  matching:
    description: Regular expressions; tags that match one as a whole go.
    type: list
    elements: str
    default: []
  keep:
    description: Tags that stay, whatever they match.
    type: list
    elements: str
    default: []
seealso:
  - module: imagefleet.dify.image_promote
  - module: imagefleet.dify.image_prune
"""

EXAMPLES = r"""
- name: Let go what a host that is gone held
  imagefleet.dify.image_untag:
    repositories: [localhost:5000/dify/dify-api, localhost:5000/dify/dify-web]
    matching: ['keep-old\.example\.com-.*']
"""

RETURN = r"""
removed:
  description: The tags that were removed.
  type: list
  elements: dict
  returned: success
  contains:
    reference:
      description: The tag with its repository.
      type: str
    digest:
      description: What it pointed at.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.untagging import (
    check_names,
    parse_expressions,
    tags_to_remove,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_repository
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "repositories": {"type": "list", "elements": "str", "required": True},
        "tags": {"type": "list", "elements": "str", "default": []},
        "matching": {"type": "list", "elements": "str", "default": []},
        "keep": {"type": "list", "elements": "str", "default": []},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    client = registry_client(params)
    found = _find(client, params)
    removed: list[dict[str, Any]] = []
    try:
        for reference, digest in found:
            if not module.check_mode:
                client.remove_tag(reference)
            removed.append({"reference": str(reference), "digest": digest})
    except CollectionError as error:
        raise CollectionError(error.msg, **error.facts, removed=removed) from error
    before = "".join(f"{entry['reference']} {entry['digest']}\n" for entry in removed)
    return {"changed": bool(removed), "removed": removed, "diff": {"before": before, "after": ""}}


def _find(client: RegistryClient, params: dict[str, Any]) -> list[tuple[Any, str]]:
    check_names(params["tags"])
    expressions = parse_expressions(params["matching"])
    repositories = [parse_repository(name) for name in dict.fromkeys(params["repositories"])]
    references = [
        repository.with_tag(tag)
        for repository in repositories
        for tag in tags_to_remove(client.list_tags(repository), params["tags"], expressions, params["keep"])
    ]
    digests = [(reference, client.find_digest(reference)) for reference in references]
    # What somebody removed meanwhile has none.
    return [(reference, digest) for reference, digest in digests if digest]


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
