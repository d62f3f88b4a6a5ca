#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_promote
short_description: Tags point at an image that was built and tested
version_added: 0.1.0
description:
  - Moves tags to a digest, within a repository, between repositories or between registries.
  - Before any tag is moved, everything is checked for all of them. The platforms are there, each passed its tests, and no
    immutable tag would be moved.
  - The index is copied as it is, attestations included, so the digest stays the same. It is read back afterwards.
  - Neither an engine nor buildx is needed. Between repositories of one registry, layers are mounted where the registry does
    that; between registries they go through a temporary file, one at a time, and those that are there already stay.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
  - imagefleet.dify.smoke_tests
  - imagefleet.dify.smoke_tests.promoted_images
attributes:
  check_mode:
    support: full
    description: Checks everything and returns which tags would be moved.
  diff_mode:
    support: full
    description: Shows each tag that is moved and the digests it points at before and after.
options:
  reference:
    description:
      - The image, C(registry/repository@digest). A tag beside the digest is only for the reader; a tag alone is resolved.
      - It or O(images) is required.
    type: str
  tags:
    description: Tags that are to point at it. Required, unless each entry of O(images) has its own.
    type: list
    elements: str
    default: []
  target_repository:
    description: Where the tags are, C(registry/repository). The image's own repository by default.
    type: str
  platforms:
    description: Platforms that the index must have. By default those that it has.
    type: list
    elements: str
    default: []
  immutable_tags:
    description: Regular expressions for tags that may not be moved once they are set.
    type: list
    elements: str
    default: []
  force:
    description: Move immutable tags too.
    type: bool
    default: false
seealso:
  - module: imagefleet.dify.image_build
  - module: imagefleet.dify.image_smoke_test
"""

EXAMPLES = r"""
- name: Give a tested image the tags that people use
  imagefleet.dify.image_promote:
    reference: "{{ build.images[0].reference }}"
    tags: ["1.0.0", latest]
    platforms: [linux/amd64, linux/arm64]
    immutable_tags: ['\d+\.\d+\.\d+']

- name: Copy it to another repository
  imagefleet.dify.image_promote:
    reference: localhost:5000/dify/dify-api:1.0.0
    target_repository: localhost:5000/production/dify-api
    tags: ["1.0.0"]

- name: Move the tags of several at once, or of none
  imagefleet.dify.image_promote:
    images:
      - reference: "{{ build.images[0].reference }}"
      - reference: localhost:5000/dify/dify-api:1.0.0
        target_repository: localhost:5000/production/dify-api
    tags: [stable]
"""

RETURN = r"""
images:
  description: For each image RV(digest) and RV(tags).
  type: list
  elements: dict
  returned: with O(images)
digest:
  description: What the tags point at.
  type: str
  returned: with O(reference)
tags:
  description: The tags, in the order of the option.
  type: list
  elements: dict
  returned: with O(reference)
  contains:
    tag:
      description: The tag.
      type: str
    reference:
      description: The tag with its repository.
      type: str
    before:
      description: The digest it pointed at; null for a new tag.
      type: str
    after:
      description: The digest it points at now, or would.
      type: str
    changed:
      description: Whether it was moved, or would be.
      type: bool
"""

from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.entries import plan_each
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.promotion import (
    Promotion,
    check_distinct,
    check_immutable,
    check_platforms,
    check_records,
    check_tags,
    plan_promotion,
    promotions_result,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.smoke_test import (
    OWN_TESTS_OPTION,
    TESTS_OPTION,
    definition_hash,
    parse_tests,
    record_tag,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import (
    Reference,
    parse_reference,
    parse_repository,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

_EACH = {
    "tags": {"type": "list", "elements": "str"},
    "target_repository": {"type": "str"},
    "platforms": {"type": "list", "elements": "str"},
}
SPEC = ArgumentSpec(
    options={
        "reference": {"type": "str"},
        "tags": {"type": "list", "elements": "str", "default": []},
        "target_repository": {"type": "str"},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "tests": TESTS_OPTION,
        "images": {
            "type": "list",
            "elements": "dict",
            "options": {"reference": {"type": "str", "required": True}, **_EACH, "tests": OWN_TESTS_OPTION},
        },
        "immutable_tags": {"type": "list", "elements": "str", "default": []},
        "force": {"type": "bool", "default": False},
    },
    mutually_exclusive=(("reference", "images"),),
    required_one_of=(("reference", "images"),),
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    client = registry_client(params)
    immutable = [] if params["force"] else params["immutable_tags"]
    promotions = plan_each(
        params,
        "images",
        ("reference", "tests", *_EACH),
        lambda asked: _plan(client, asked, immutable),
        Promotion.result,
    )
    check_distinct(promotions)
    if not module.check_mode:
        _move(client, promotions)
    return promotions_result(promotions) if params["images"] is not None else promotions[0].result()


def _plan(client: RegistryClient, entry: Mapping[str, Any], immutable: list[str]) -> Promotion:
    source = parse_reference(entry["reference"])
    target = _target(entry["target_repository"]) or source.with_tag("latest")
    tags = check_tags(entry["tags"])
    manifest = _find_source(client, source)
    source = source.with_digest(manifest.digest)
    platforms = check_platforms(source, manifest, parse_platforms(entry["platforms"]))
    tests = parse_tests(entry["tests"])
    if tests:
        digests = {str(platform): digest for platform, digest in platforms.items()} or {"the image": manifest.digest}
        records = {name: record_tag(digest, definition_hash(tests)) for name, digest in digests.items()}
        check_records(
            source, {n: tag for n, tag in records.items() if client.find_digest(source.with_tag(tag)) is None}
        )
    promotion = plan_promotion(
        source, manifest, target, {tag: client.find_digest(target.with_tag(tag)) for tag in tags}
    )
    check_immutable(promotion, immutable)
    return promotion


def _find_source(client: RegistryClient, source: Reference) -> Manifest:
    manifest = client.find_manifest(source)
    if manifest is None:
        raise MissingPrerequisite(
            f"The registry has no {source}. Build it with image_build, or correct reference.",
            task="image_build",
            reference=str(source),
        )
    return manifest


def _move(client: RegistryClient, promotions: list[Promotion]) -> None:
    """Copy what tags will need, then move all of them, then read them back: what can fail for long comes first."""
    moved = [(promotion, [move for move in promotion.moves if move.changed]) for promotion in promotions]
    for promotion, moves in moved:
        if moves and moves[0].reference.name != promotion.source.name:
            client.make_repository(moves[0].reference)
            copy_content(client, promotion.source, promotion.manifest, moves[0].reference)
    for promotion, moves in moved:
        for move in moves:
            client.put_manifest(move.reference, promotion.manifest)
    for move in (move for _promotion, moves in moved for move in moves):
        read = client.find_digest(move.reference)
        if read != move.after:
            raise CollectionError(
                f"{move.reference} was moved to {move.after} and reads back as {read}. Another process writes there, or the "
                "registry changed the image.",
                reference=str(move.reference),
            )


def _target(repository: str | None) -> Reference | None:
    try:
        return parse_repository(repository) if repository else None
    except CollectionError as error:
        raise CollectionError(f"target_repository: {error.msg}", **error.facts) from error


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
