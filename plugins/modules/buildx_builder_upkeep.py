#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: buildx_builder_upkeep
short_description: The nodes of a builder keep no more than they are to, and their certificates are good
version_added: 0.1.0
description:
  - Looks at what each node of a builder keeps of builds, and lets go of what is more than the policy says, the oldest first.
    What a build is at stays. Without a policy it only looks.
  - Of nodes behind TLS, it tells when the certificates end that they show, and that of the client.
  - It does not fail for a node that does not answer, nor for a builder that is not there. See RV(problems).
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - OpenSSL 1.1.1 or newer on the host, for nodes behind TLS
extends_documentation_fragment:
  - imagefleet.dify.buildx
attributes:
  check_mode:
    support: full
    description: Says what would go. How much each node gives back is only known afterwards.
  diff_mode:
    support: full
    description: Shows the size of each cache that is made smaller, and what it may have.
options:
  name:
    description: The builder.
    type: str
    required: true
  cache_max:
    description: How many gigabytes each node keeps, the newest. Without it, all are kept, within the node's own limits.
    type: float
  warn_days:
    description: A certificate that ends in so many days is a problem.
    type: int
    default: 14
seealso:
  - module: imagefleet.dify.build_host_upkeep
  - module: imagefleet.dify.buildx_builder
"""

EXAMPLES = r"""
- name: Look at the nodes of a builder
  imagefleet.dify.buildx_builder_upkeep:
    name: default
  register: builder

- name: Stop when something is not as it should be
  ansible.builtin.assert:
    that: builder.problems | length == 0
    fail_msg: "{{ builder.problems | join(' ') }}"
"""

RETURN = r"""
nodes:
  description: What was found of each, in the order of the builder. Empty where there is none.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    endpoint:
      description: Where it is. Null for the current Docker endpoint.
      type: str
    cache:
      description: Bytes that it keeps of builds, before what went, to four digits. Null where it does not answer.
      type: int
    reclaimed:
      description: Bytes that it gave back.
      type: int
    certificates:
      description:
        - What it shows, its own first, then the client's own, each with C(subject), and C(ends) in UTC. Empty without TLS.
      type: list
      elements: dict
    error:
      description: Why it does not answer, or does not let go of its cache. Null where it does.
      type: str
problems:
  description: What stands in the way of builds, or will soon.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_upkeep import NodeUpkeep, look_after
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.spec import BUILDX_SPEC, buildx_client
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.gigabytes import to_bytes
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

SPEC = ArgumentSpec(
    options={
        "name": {"type": "str", "required": True},
        "cache_max": {"type": "float"},
        "warn_days": {"type": "int", "default": 14},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    most = to_bytes("cache_max", params["cache_max"])
    buildx = buildx_client(module)
    builder = buildx.find_builder(params["name"])
    if builder is None:
        absent = (
            f"There is no builder {params['name']}. Correct the name, or make it: the provision playbook does that."
        )
        return {"changed": False, "nodes": [], "problems": [absent]}
    openssl = openssl_cli(module.run_command)
    nodes = [look_after(buildx, openssl, builder, node, most, module.check_mode) for node in builder.nodes]
    pruned = [node for node in nodes if node.prunes]
    return {
        "changed": bool(pruned),
        "nodes": [_described(node) for node in nodes],
        "problems": [problem for node in nodes for problem in node.problems(utc_now(), params["warn_days"])],
        "diff": {
            "before": {node.name: node.cache for node in pruned},
            "after": {node.name: most for node in pruned},
        },
    }


def _described(node: NodeUpkeep) -> dict[str, Any]:
    return {
        "name": node.name,
        "endpoint": node.endpoint,
        "cache": node.cache,
        "reclaimed": node.reclaimed,
        "certificates": [{"subject": shown.subject, "ends": shown.end} for shown in node.certificates],
        "error": node.error,
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(BUILDX_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
