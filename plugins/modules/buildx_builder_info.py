#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: buildx_builder_info
short_description: Read the builders of Docker buildx, their nodes, and what they can build
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Returns builders as they are declared and, unless O(ask_nodes=false), as their nodes are.
  - The declaration is read from the file in which buildx records it (C(instances/NAME) in O(buildx_config)), status,
    version and platforms from C(buildx inspect).
extends_documentation_fragment:
  - imagefleet.dify.buildx
options:
  name:
    description:
      - The builder to read. By default all of them, the builders of Docker contexts (such as V(default)) included.
    type: str
  ask_nodes:
    description:
      - Contact the nodes for their status, BuildKit version and platforms. A node that does not answer costs seconds.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Nothing is changed.
  diff_mode:
    support: N/A
    description: Nothing is changed.
seealso:
  - module: imagefleet.dify.buildx_builder
"""

EXAMPLES = r"""
- name: Read what the default builder can build
  imagefleet.dify.buildx_builder_info:
    name: default
  register: found

- name: Print its platforms
  ansible.builtin.debug:
    msg: "{{ found.builders[0].platforms }}"

- name: List all builders without contacting their nodes
  imagefleet.dify.buildx_builder_info:
    ask_nodes: false
"""

RETURN = r"""
builders:
  description: The builders, recorded ones first, by name. Empty when there is none with O(name).
  returned: success, unless RV(unknown)
  type: list
  elements: dict
  contains:
    name:
      description: The builder.
      type: str
      sample: fleet
    driver:
      description: Its driver.
      type: str
      sample: remote
    in_use:
      description: Whether buildx takes this builder when none is named.
      type: bool
    running:
      description: Whether every node runs; null when the nodes were not asked.
      type: bool
    platforms:
      description: What the builder can build, declared and detected; only the declared ones when not asked.
      type: list
      elements: str
      sample: [linux/amd64, linux/arm64]
    nodes:
      description: The nodes, in the order in which buildx prefers them.
      type: list
      elements: dict
      contains:
        name:
          description: The node.
          type: str
          sample: arm
        endpoint:
          description: Where it is.
          type: str
          sample: tcp://arm-host:1234
        platforms:
          description: The platforms that are sent to it.
          type: list
          elements: str
          sample: [linux/arm64]
        driver_opts:
          description: Options of the driver.
          type: dict
        buildkitd_flags:
          description: Flags of the daemon.
          type: list
          elements: str
        buildkitd_config:
          description: Its recorded configuration, with certificate files as name and SHA-256 of their content.
          type: dict
        detected_platforms:
          description: The platforms that the daemon says it can build.
          type: list
          elements: str
          sample: [linux/amd64, linux/arm64]
        status:
          description: Such as V(running), V(stopped) or V(inactive); null when not asked or not known.
          type: str
          sample: running
        buildkit_version:
          description: The version of BuildKit, of a node that runs.
          type: str
          sample: v0.25.1
        error:
          description: Why the node did not answer.
          type: str
buildx_version:
  description: The version of buildx.
  returned: success, unless RV(unknown)
  type: str
  sample: 0.29.1
unknown:
  description: Nothing can be told before another task has run, which RV(msg) names.
  returned: in check mode, when buildx is missing
  type: bool
  sample: true
msg:
  description: What is missing, and what provides it.
  returned: when RV(unknown), or failed
  type: str
  sample: "unknown until the provision playbook has run: docker has no buildx plugin here."
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import recorded_declaration
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.spec import BUILDX_SPEC, buildx_client
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

BUILDER_INFO_SPEC = BUILDX_SPEC.merge(
    ArgumentSpec(options={"name": {"type": "str"}, "ask_nodes": {"type": "bool", "default": True}})
)


def describe(builder: Builder, in_use: bool, asked: bool) -> dict[str, Any]:
    """The builder as JSON types."""
    declaration = recorded_declaration(builder, compare_config=True)
    return {
        "name": builder.name,
        "driver": builder.driver,
        "in_use": in_use,
        "running": builder.is_running if asked else None,
        "platforms": [str(platform) for platform in builder.platforms()],
        "nodes": [
            {**declared.to_dict(), **describe_status(node)} for declared, node in zip(declaration.nodes, builder.nodes)
        ],
    }


def describe_status(node: Node) -> dict[str, Any]:
    """What a node that was asked answered."""
    return {
        "detected_platforms": [str(platform) for platform in node.detected],
        "status": node.status,
        "buildkit_version": node.buildkit_version,
        "error": node.error,
    }


def run(module: AnsibleModule) -> dict[str, Any]:
    name, asked = module.params["name"], module.params["ask_nodes"]
    client = buildx_client(module)
    version = client.version()
    found = [client.find_builder(name, asked)] if name else client.list_builders(asked)
    return {
        "changed": False,
        "buildx_version": ".".join(map(str, version)),
        "builders": [describe(builder, client.is_in_use(builder.name), asked) for builder in found if builder],
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **BUILDER_INFO_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
