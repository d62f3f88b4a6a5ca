#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: build_host_upkeep
short_description: A build host keeps no more than it is to
version_added: 0.1.0
description:
  - Looks at what a build host has gathered, which is the engine's build cache and volumes of builders that are gone, and at its
    disk, and lets go of what the policy says. Without a policy it only looks.
  - Nodes in containers, and those that are reached by an address, keep their own caches within the limits of their own settings.
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - The docker SDK for Python on the host
attributes:
  check_mode:
    support: full
    description: Says what would go. How much of the cache is given back is only known afterwards.
  diff_mode:
    support: full
    description: Shows what goes.
options:
  buildx_config:
    description:
      - Folder with the state of builders. The volume of a node that is in none of them, nor in those of C(~/.docker/buildx), and
        that no container uses, is an orphan.
    type: path
    default: /var/lib/imagefleet/buildx
  min_free:
    description: How many gigabytes shall be free where the engine has its data. Less is a problem.
    type: float
    default: 20
  cache_max:
    description: How many gigabytes of the engine's build cache are kept, the newest. Without it, all are.
    type: float
  orphans_after:
    description: After how many days orphans are removed. Without it, they are kept.
    type: float
seealso:
  - module: imagefleet.dify.buildx_builder
  - module: imagefleet.dify.image_prune
"""

EXAMPLES = r"""
- name: Look at a build host
  imagefleet.dify.build_host_upkeep:
  register: host

- name: Keep 50 GB of its build cache, and no volumes of builders that are gone for a week
  imagefleet.dify.build_host_upkeep:
    cache_max: 50
    orphans_after: 7
"""

RETURN = r"""
data_root:
  description: Where the engine has its data.
  type: str
  returned: success
total:
  description: Bytes of that file system.
  type: int
  returned: success
free:
  description: Bytes that are free on it, after what went.
  type: int
  returned: success
cache:
  description: Bytes of the engine's build cache, before what went.
  type: int
  returned: success
reclaimed:
  description: Bytes that the cache gave back.
  type: int
  returned: success and not in check mode
orphans:
  description: Volumes of nodes that no builder has, with C(name), C(node), C(created) in UTC, and C(size) in bytes, or null.
  type: list
  elements: dict
  returned: success
removed:
  description: Names of those that go.
  type: list
  elements: str
  returned: success
problems:
  description: What the host wants, after what went.
  type: list
  elements: str
  returned: success
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.gigabytes import check_amount, to_bytes
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import rfc3339, utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.gathered import apply_upkeep, read_host
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.upkeep import (
    BuilderVolume,
    Policy,
    find_problems,
    orphans_of,
    plan_upkeep,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient

#: An engine with many images takes its time to say what they weigh.
_TIMEOUT_SECONDS = 600

SPEC = ArgumentSpec(
    options={
        "buildx_config": {"type": "path", "default": "/var/lib/imagefleet/buildx"},
        "min_free": {"type": "float", "default": 20},
        "cache_max": {"type": "float"},
        "orphans_after": {"type": "float"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    policy = _policy(params)
    engine = EngineClient(timeout=_TIMEOUT_SECONDS)
    folders = [params["buildx_config"], str(Path.home() / ".docker/buildx")]
    facts = read_host(engine, folders)
    upkeep = plan_upkeep(facts, policy, utc_now())
    changed = bool(upkeep.orphans or upkeep.prune_to is not None)
    after = facts
    done = {}
    if changed and not module.check_mode:
        done["reclaimed"] = apply_upkeep(engine, upkeep)
        after = read_host(engine, folders)
    removed = [volume.name for volume in upkeep.orphans]
    return {
        "changed": changed,
        "data_root": facts.data_root,
        "total": facts.total,
        "free": after.free,
        "cache": facts.cache,
        **done,
        "orphans": [_described(volume) for volume in orphans_of(facts)],
        "removed": removed,
        "problems": find_problems(after, policy),
        "diff": {
            "before": {"volumes": removed, **({"cache": facts.cache} if upkeep.prune_to is not None else {})},
            "after": {"volumes": [], **({"cache": upkeep.prune_to} if upkeep.prune_to is not None else {})},
        },
    }


def _policy(params: dict[str, Any]) -> Policy:
    days = params["orphans_after"]
    check_amount("orphans_after", days)
    return Policy(
        to_bytes("min_free", params["min_free"]),
        to_bytes("cache_max", params["cache_max"]),
        None if days is None else timedelta(days=days),
    )


def _described(volume: BuilderVolume) -> dict[str, Any]:
    return {"name": volume.name, "node": volume.node, "created": rfc3339(volume.created), "size": volume.size}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
