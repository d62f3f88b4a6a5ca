#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: A registry keeps no builds, test records and caches that nobody needs any more
version_added: 0.1.0
description:
  - Removes what M(imagefleet.dify.image_build) and M(imagefleet.dify.image_smoke_test) leave in repositories,
    with the tags C(fp-), C(ok-), C(files-), C(building-) and C(cache-), and signatures of what goes.
  - All other tags are people's. They, and everything that their indexes reach, stay, whatever their age. That is how a deployment
    keeps its images, by a C(keep-) tag.
  - A registry deletes by digest, which takes every tag on it. So a tag of the builds' own stays too, where it shares its digest
    with something that stays.
  - Just before anything is deleted, people's tags are read again, so that what was promoted meanwhile stays. Between that look
    and the deletion are moments. Do not promote an image that is old enough to go while this runs.
  - The space is free once the registry has collected its garbage.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Returns what would be removed.
  diff_mode:
    support: full
    description: Shows the tags that are removed, with their digests.
options:
  repositories:
    description: Repositories, each C(registry/repository). One that is not there has nothing to remove.
    type: list
    elements: str
    required: true
  max_age:
    description:
      - Builds that are older go, such as C(30d), C(12h) or C(2w); C(0d) is any age.
      - A build's age counts from its end, which its provenance tells, or from the time in its configuration when it has none.
        What has neither stays.
    type: str
    default: 30d
  keep:
    description:
      - So many of the newest builds of each repository stay, however old they are. Those that people's tags reach come on top.
    type: int
    default: 10
  cache_max_age:
    description: Caches go whose newest step is older. As O(max_age) by default.
    type: str
  protected_by:
    description:
      - Other repositories, of which what people's tags reach stays in O(repositories) too, for builds that are promoted to a
        repository of their own. Without it they would go, and be built again when their inputs are asked for.
    type: list
    elements: str
    default: []
seealso:
  - module: imagefleet.dify.image_build
  - module: imagefleet.dify.image_promote
"""

EXAMPLES = r"""
- name: Keep what is used, and a month
  imagefleet.dify.image_prune:
    repositories:
      - localhost:5000/dify/dify-api
      - localhost:5000/dify/dify-web

- name: Keep only the five newest builds, and what is promoted to another repository
  imagefleet.dify.image_prune:
    repositories: [localhost:5000/staging/dify-api]
    protected_by: [localhost:5000/dify/dify-api]
    max_age: 0d
    keep: 5
    cache_max_age: 1w
"""

RETURN = r"""
repositories:
  description: The repositories, in the order of the option.
  type: list
  elements: dict
  returned: success
  contains:
    repository:
      description: The repository.
      type: str
    removed:
      description: What was removed, or would be, in the order of deletion.
      type: list
      elements: dict
      contains:
        digest:
          description: Digest of the manifest.
          type: str
        kind:
          description:
            - V(build) is an index of all platforms, V(platform) that of one, V(working) what an unfinished build left, V(cache) a
              cache, V(files) a file list, V(record) an image that only its tests' record held, V(part) what an index held,
              V(signature) what was said of something that goes.
          type: str
        tags:
          description: The tags that go with it.
          type: list
          elements: str
        age_days:
          description: Its age in days; null where that did not matter.
          type: float
    kept_builds:
      description: Number of builds that stay.
      type: int
    undated:
      description: Tags of what tells no age, and stays.
      type: list
      elements: str
"""

import time
from dataclasses import replace
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.repository_reader import RepositoryReader
from ansible_collections.imagefleet.dify.plugins.module_utils._image.retention import (
    Removal,
    Retention,
    parse_retention_age,
    plan_retention,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import Reference, parse_repository
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "repositories": {"type": "list", "elements": "str", "required": True},
        "max_age": {"type": "str", "default": "30d"},
        "keep": {"type": "int", "default": 10},
        "cache_max_age": {"type": "str"},
        "protected_by": {"type": "list", "elements": "str", "default": []},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    repositories = dict.fromkeys(_repositories(params, "repositories"))
    others = _repositories(params, "protected_by")
    max_age = parse_retention_age(params["max_age"])
    ages = (max_age, _count(params["keep"]), parse_retention_age(params["cache_max_age"] or params["max_age"]))
    client = registry_client(params)
    now = time.time()
    plans = {repository: _plan(client, repository, others, now, ages) for repository in repositories}
    if module.check_mode:
        return _result(plans, now)
    removed: dict[Reference, list[Removal]] = {repository: [] for repository in plans}
    try:
        for repository, plan in plans.items():
            _delete(client, repository, others, plan, removed[repository])
    except CollectionError as error:
        raise CollectionError(error.msg, **{**error.facts, **_done(plans, removed, now)}) from error
    return _done(plans, removed, now)


def _repositories(params: dict[str, Any], option: str) -> list[Reference]:
    try:
        return [parse_repository(name) for name in params[option]]
    except CollectionError as error:
        raise CollectionError(f"{option}: {error.msg}", **error.facts) from error


def _plan(
    client: RegistryClient, repository: Reference, others: list[Reference], now: float, ages: tuple[int, int, int]
) -> Retention:
    reader = RepositoryReader(client)
    contents = reader.read(repository, others)
    max_age, keep, cache_max_age = ages
    return plan_retention(contents, partial(reader.built_at, repository), now, max_age, keep, cache_max_age)


def _delete(
    client: RegistryClient, repository: Reference, others: list[Reference], plan: Retention, removed: list[Removal]
) -> None:
    """Delete what the plan says, except what was promoted meanwhile; what is deleted comes into ``removed``."""
    if not plan.removals:
        return
    reader = RepositoryReader(client)
    people = [held for where in (repository, *others) for held in reader.people(where).values()]
    promoted = {digest for held in people for digest in (held.digest, *held.parts)}
    for removal in plan.removals:
        if removal.digest not in promoted:
            client.delete_manifest(repository.with_digest(removal.digest))
            removed.append(removal)


def _count(keep: int) -> int:
    if keep < 0:
        raise CollectionError(f"keep is {keep}. Say how many of the newest builds stay, 0 or more.", keep=keep)
    return keep


def _done(plans: dict[Reference, Retention], removed: dict[Reference, list[Removal]], now: float) -> dict[str, Any]:
    """The result of what was deleted, be it all or a part."""
    return _result({where: replace(plan, removals=tuple(removed[where])) for where, plan in plans.items()}, now)


def _result(plans: dict[Reference, Retention], now: float) -> dict[str, Any]:
    removals = [(repository, removal) for repository, plan in plans.items() for removal in plan.removals]
    return {
        "changed": bool(removals),
        "repositories": [plan.result(repository.name, now) for repository, plan in plans.items()],
        "diff": {
            "before": "".join(
                f"{repository.with_tag(tag)}@{removal.digest}\n"
                for repository, removal in removals
                for tag in removal.tags
            ),
            "after": "",
        },
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
