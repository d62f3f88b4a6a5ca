#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: buildx_builder
short_description: Create, change, start, stop and remove builders of Docker buildx
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Makes a builder what it is declared to be. What differs is found option by option, and each difference is a reason
    in the result.
  - A node that is missing is appended, and one that is not declared leaves, without touching the other nodes. What
    buildx cannot change in place (another driver, options of a node with a container, the last node) makes a new
    builder of the same name. The caches are kept (C(buildx rm --keep-state)).
  - When a node cannot be created, the builder stays as it was declared before, and the module fails.
  - Only what is declared is compared. An option that is left out stays as it is, also through the making of a new
    builder.
  - The declaration is read from the file in which buildx records it (C(instances/NAME) in O(buildx_config)), as
    C(buildx inspect) does not print all of it in every version, and asks every node before it prints anything. Nodes
    are asked only for O(bootstrap), O(state=stopped) and O(platforms).
extends_documentation_fragment:
  - imagefleet.dify.buildx
options:
  name:
    description:
      - The builder. It starts with a letter, and holds letters, digits, C(.), C(_) and C(-).
      - V(default), and the name of each Docker context, is the builder of the driver V(docker) for that context.
    type: str
    required: true
  state:
    description:
      - V(present) makes the builder what it is declared to be.
      - V(stopped) does so too, and stops its daemons. Daemons of the drivers V(docker) and V(remote) run elsewhere and
        cannot be stopped.
      - V(absent) removes the builder, its daemons, and unless O(keep_state) their caches.
    type: str
    choices: [present, stopped, absent]
    default: present
  driver:
    description:
      - How the nodes run.
      - V(docker) is the BuildKit inside the Docker engine. It exists for each Docker context, and can be neither
        changed nor removed, only accepted (see O(platforms)).
      - V(docker-container) runs BuildKit in a container on the engine at each node's endpoint.
      - V(remote) uses daemons that run already.
      - V(kubernetes) runs BuildKit in pods.
      - By default the driver that the builder has, V(docker) for the name V(default), else V(docker-container).
    type: str
    choices: [docker, docker-container, remote, kubernetes]
  nodes:
    description:
      - All nodes of the builder. By default the nodes that it has, or one with the driver's defaults.
      - Their order is that in which they are created. It is not compared.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The node. With O(driver=docker-container) its container is C(buildx_buildkit_NAME), so names should not
            be used twice on an engine.
          - By default the name of the node that the builder has at that endpoint, else the builder's name and the
            node's index.
        type: str
      endpoint:
        description:
          - Where the node is. For V(remote) the daemon's address, such as V(tcp://arm-host:1234) or
            V(unix:///run/buildkit/buildkitd.sock), and required. For V(docker-container) a Docker context or the
            address of an engine; by default the current one. Not for V(kubernetes).
        type: str
      platforms:
        description:
          - The platforms to send to this node, such as V(linux/arm64). They come before what the node detects.
          - With one node for each platform, this is how each platform gets its native host. buildx leaves a platform to one node.
        type: list
        elements: str
      driver_opts:
        description:
          - Options of the driver, such as C(image), C(network), C(memory), C(env.NAME) or C(namespace). All of them,
            options that are not named are taken away.
          - The single node of a V(docker-container) builder on this host gets C(network) V(host) unless you name
            another one, so that a registry on C(localhost) is the same for BuildKit as for you.
          - They are visible in the process list and in the record of buildx. Do not put secrets into them.
        type: dict
      buildkitd_flags:
        description:
          - Flags of the node's daemon. All of them, other flags are taken away, except for the
            C(--allow-insecure-entitlement=network.host) that buildx adds.
        type: list
        elements: str
        aliases: [flags]
      tls:
        description:
          - Files for TLS with a V(remote) daemon. They are the driver options C(cacert), C(cert), C(key) and
            C(servername).
        type: dict
        suboptions:
          ca:
            description: Absolute path of the certificate authority.
            type: path
          cert:
            description: Absolute path of the client's certificate.
            type: path
          key:
            description: Absolute path of the client's private key.
            type: path
          servername:
            description: The name in the daemon's certificate, where it is not that in the endpoint.
            type: str
  buildkitd_config:
    description:
      - The configuration of the daemons of V(docker-container) and V(kubernetes) nodes, as C(buildkitd.toml) has it.
        All of it, V({}) is an empty configuration.
      - Certificate files that it names for registries (C(ca), C(key), C(cert)) are read on the managed host and copied
        into the node. They are compared by their content.
    type: dict
  platforms:
    description:
      - Platforms that the builder must be able to build, natively or by an emulator. The module fails when it cannot,
        and names the platforms. Without effect with O(state=stopped) and O(state=absent).
      - In check mode this is checked when nothing else would change.
    type: list
    elements: str
  bootstrap:
    description:
      - Start the daemons that do not run, and wait until they answer (buildx waits 20 seconds for each).
      - Without it they start with the first build.
    type: bool
    default: false
  use:
    description:
      - Make the builder the one that buildx takes when none is named, for the current Docker endpoint.
      - V(false) changes nothing.
    type: bool
    default: false
  recreate:
    description:
      - V(auto) makes a new builder, with the cache kept, where buildx cannot change something in place.
      - V(never) fails then, and changes nothing.
    type: str
    choices: [auto, never]
    default: auto
  keep_state:
    description:
      - Keep the caches with O(state=absent). A builder with nodes of the same names finds them again.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The plan is what check mode returns.
  diff_mode:
    support: full
    description: Shows the declaration before and after.
seealso:
  - module: imagefleet.dify.buildx_builder_info
  - module: imagefleet.dify.binfmt
  - name: Build drivers
    description: What each driver can do, and its options.
    link: https://docs.docker.com/build/builders/drivers/
"""

EXAMPLES = r"""
- name: Accept the builder inside the Docker engine, if it can build for this platform
  imagefleet.dify.buildx_builder:
    name: default
    driver: docker
    platforms: [linux/amd64]

- name: Build each platform on its native host
  imagefleet.dify.buildx_builder:
    name: fleet
    driver: remote
    nodes:
      - name: amd
        endpoint: tcp://amd-host:1234
        platforms: [linux/amd64]
        tls:
          ca: /etc/imagefleet/ca.pem
          cert: /etc/imagefleet/cert.pem
          key: /etc/imagefleet/key.pem
      - name: arm
        endpoint: tcp://arm-host:1234
        platforms: [linux/arm64]
        tls:
          ca: /etc/imagefleet/ca.pem
          cert: /etc/imagefleet/cert.pem
          key: /etc/imagefleet/key.pem

- name: Run BuildKit in a container, with a mirror for Docker Hub and a limit for the cache
  imagefleet.dify.buildx_builder:
    name: local
    driver: docker-container
    buildkitd_config:
      registry:
        docker.io:
          mirrors: [mirror.example.com]
        mirror.example.com:
          ca: [/etc/imagefleet/ca.pem]
      worker:
        oci:
          gc: true
          reservedSpace: 20GB

- name: Remove a builder and keep its cache
  imagefleet.dify.buildx_builder:
    name: local
    state: absent
    keep_state: true
"""

RETURN = r"""
builder:
  description:
    - The builder as declared after the run, or after it would have run; null when there is none.
  returned: success, unless RV(unknown)
  type: dict
  contains:
    name:
      description: The builder.
      type: str
      sample: fleet
    driver:
      description: The driver.
      type: str
      sample: remote
    nodes:
      description: The nodes, by name.
      type: list
      elements: dict
      contains:
        name:
          description: The node.
          type: str
          sample: arm
        endpoint:
          description: Where it is; null when it is new at the current Docker endpoint.
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
          sample: {"network": "host"}
        buildkitd_flags:
          description: Flags of the daemon.
          type: list
          elements: str
        buildkitd_config:
          description: The configuration, with certificate files as name and SHA-256 of their content.
          type: dict
          returned: with O(buildkitd_config)
    in_use:
      description: Whether buildx takes this builder when none is named.
      type: bool
    running:
      description: Whether all daemons run.
      type: bool
      returned: with O(bootstrap) or O(state=stopped)
buildx_version:
  description: The version of buildx.
  returned: success, unless RV(unknown)
  type: str
  sample: 0.29.1
commands:
  description: The arguments of C(docker), of each command that was run or would be in check mode, in order.
  returned: success, unless RV(unknown)
  type: list
  elements: list
  sample: [["buildx", "create", "--name", "fleet", "--node", "arm", "--leave"]]
reasons:
  description: Why, one sentence for each difference found.
  returned: success, unless RV(unknown)
  type: list
  elements: str
  sample: ["node arm: endpoint: tcp://old-host:1234 -> tcp://arm-host:1234"]
unknown:
  description: Nothing can be predicted before another task has run, which RV(msg) names.
  returned: in check mode, when buildx, an emulator or a certificate file is missing
  type: bool
  sample: true
msg:
  description: What is missing, and what provides it.
  returned: when RV(unknown), or failed
  type: str
  sample: "unknown until the provision playbook has run: docker has no buildx plugin here."
"""

import os
from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER, DRIVERS, REMOTE, Builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import (
    BuilderPlan,
    Circumstances,
    plan_absent,
    plan_docker,
    plan_present,
    require_platforms,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.buildkitd_config import certificate_paths
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import BuildxClient, read_files
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.declaration import wanted_declaration
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.spec import BUILDX_SPEC, buildx_client
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import lock_on
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms

BUILDER_SPEC = BUILDX_SPEC.merge(
    ArgumentSpec(
        options={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
            "driver": {"type": "str", "choices": list(DRIVERS)},
            "nodes": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str"},
                    "endpoint": {"type": "str"},
                    "platforms": {"type": "list", "elements": "str"},
                    "driver_opts": {"type": "dict"},
                    "buildkitd_flags": {"type": "list", "elements": "str", "aliases": ["flags"]},
                    "tls": {
                        "type": "dict",
                        "options": {
                            "ca": {"type": "path"},
                            "cert": {"type": "path"},
                            "key": {"type": "path", "no_log": False},
                            "servername": {"type": "str"},
                        },
                        "required_together": [("cert", "key")],
                    },
                },
            },
            "buildkitd_config": {"type": "dict"},
            "platforms": {"type": "list", "elements": "str"},
            "bootstrap": {"type": "bool", "default": False},
            "use": {"type": "bool", "default": False},
            "recreate": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
            "keep_state": {"type": "bool", "default": False},
        }
    )
)


def certificates(params: Mapping[str, Any]) -> dict[str, bytes]:
    """The contents of the files that the declaration names, so that a missing one is found before any change."""
    tls = [(node["tls"] or {}).get(file) for node in params["nodes"] or () for file in ("ca", "cert", "key")]
    read_files(path for path in tls if path)
    return read_files(certificate_paths(params["buildkitd_config"] or {}))


def plan(params: Mapping[str, Any], client: BuildxClient, current: Builder | None, on: Circumstances) -> BuilderPlan:
    """What is to be done, by state and driver."""
    name, state = params["name"], params["state"]
    if state == "absent":
        return plan_absent(current, params["keep_state"])
    driver = params["driver"] or (current.driver if current else None)
    if state == "stopped" and driver in (DOCKER, REMOTE):
        raise CollectionError(
            f"Builder {name} has the driver {driver}, whose daemons buildx cannot stop. "
            "Stop them where they run, or use state=present or state=absent."
        )
    if driver == DOCKER:
        if params["nodes"] or params["buildkitd_config"]:
            raise CollectionError(
                f"Builder {name} has the driver docker, which takes neither nodes nor buildkitd_config: its only node is "
                "the engine. Configure the engine, or use the driver docker-container."
            )
        return plan_docker(name, current, on)
    if any(node["endpoint"] == "default" for node in params["nodes"] or ()):
        named = client.default_endpoint()
        nodes = [
            {**node, "endpoint": named if node["endpoint"] == "default" else node["endpoint"]}
            for node in params["nodes"]
        ]
        params = {**params, "nodes": nodes}
    return plan_present(wanted_declaration(params, current, certificates(params)), current, on)


def run(module: AnsibleModule) -> dict[str, Any]:
    client = buildx_client(module)
    with lock_on(os.path.join(client.folder, module.params["name"]), not module.check_mode):
        return converge(module, client)


def converge(module: AnsibleModule, client: BuildxClient) -> dict[str, Any]:
    """The builder is looked at, and what it lacks is done."""
    params = module.params
    name, state = params["name"], params["state"]
    platforms = parse_platforms(params["platforms"] or []) if state == "present" else ()
    version = client.version()
    ask_nodes = bool(platforms or state == "stopped" or (params["bootstrap"] and state == "present"))
    current = client.find_builder(name, ask_nodes)
    circumstances = Circumstances(
        version=version,
        folder=client.plan_folder(name),
        in_use=client.is_in_use(name),
        use=params["use"],
        bootstrap=params["bootstrap"] and state == "present",
        stopped=state == "stopped",
        may_recreate=params["recreate"] == "auto",
        compare_config=params["buildkitd_config"] is not None,
    )
    planned = plan(params, client, current, circumstances)
    if current and current.driver == DOCKER:
        require_platforms(current, platforms)
    left = []
    if planned.changed and not module.check_mode:
        left = client.apply(planned, name)
        current = client.find_builder(name, ask_nodes) if platforms else current
    if platforms and current and not (planned.changed and module.check_mode):
        require_platforms(current, platforms)
    return {
        **planned.result(),
        "builder": planned.after,
        "buildx_version": ".".join(map(str, version)),
        **({"warnings": left} if left else {}),
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **BUILDER_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
