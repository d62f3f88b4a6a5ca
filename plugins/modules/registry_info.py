#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_info
short_description: Whether registries answer, and for how long their certificates are good
version_added: 0.1.0
description:
  - Asks registries as builds and deployments will, from the host that the module runs on. It answers whether each is reached and
    trusted and takes the login, with which certificates, and whether images may be pushed.
  - It does not fail for what it finds. See RV(problems).
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - OpenSSL 1.1.1 or newer on the host
extends_documentation_fragment:
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: The same, but for the right to push, which nothing is asked of.
  diff_mode:
    support: N/A
    description: Nothing changes.
options:
  hosts:
    description: Registries to ask, as they stand in references. By default those of O(registries).
    type: list
    elements: str
  repositories:
    description: Repositories that images shall be pushed to. An upload is begun in each, and given up.
    type: list
    elements: str
    default: []
  warn_days:
    description: A certificate that ends in so many days is a problem.
    type: int
    default: 14
seealso:
  - module: imagefleet.dify.image_info
"""

EXAMPLES = r"""
- name: Ask the registry before a night of builds
  imagefleet.dify.registry_info:
    hosts: [localhost:5000]
    repositories: [localhost:5000/dify/dify-api]
  register: asked

- name: Stop when something is not as it should be
  ansible.builtin.assert:
    that: asked.problems | length == 0
    fail_msg: "{{ asked.problems | join(' ') }}"
"""

RETURN = r"""
registries:
  description: What was found of each.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: As it was given.
      type: str
    scheme:
      description: V(https) or V(http). Null where it does not answer, is not trusted, or takes no such login.
      type: str
    username:
      description: Who we are there. Null for nobody.
      type: str
    certificates:
      description:
        - What it shows, its own first, with C(subject), C(issuer), C(names), C(ends) in UTC, and C(days) until then. Empty over
          HTTP, and where only a proxy reaches it.
      type: list
      elements: dict
repositories:
  description: What was found of each of O(repositories). Empty in check mode.
  type: list
  elements: dict
  returned: success
  contains:
    repository:
      description: As it was given.
      type: str
    push:
      description: Whether images may be pushed.
      type: bool
problems:
  description: What stands in the way, or will soon.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.chain import Shown
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.probe import WARN_DAYS, probe
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client

SPEC = ArgumentSpec(
    options={
        "hosts": {"type": "list", "elements": "str"},
        "repositories": {"type": "list", "elements": "str", "default": []},
        "warn_days": {"type": "int", "default": WARN_DAYS},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    client = registry_client(params)
    openssl = openssl_cli(module.run_command)
    hosts = params["hosts"] if params["hosts"] is not None else [entry["host"] for entry in params["registries"]]
    repositories = [parse_reference(text) for text in params["repositories"]]
    problems: list[str] = []
    registries = []
    for host in dict.fromkeys(hosts):
        _check_name(host)
        probed = probe(client, openssl, host, utc_now(), params["warn_days"])
        problems += probed.problems
        credentials = client.credentials(host)
        registries.append(
            {
                "host": host,
                "scheme": probed.scheme,
                "username": credentials.username if credentials else None,
                "certificates": [_described(shown) for shown in probed.certificates],
            }
        )
    asked = [] if module.check_mode else repositories
    return {
        "changed": False,
        "registries": registries,
        "repositories": [
            {"repository": repository.name, "push": _may_push(client, repository, problems)} for repository in asked
        ],
        "problems": problems,
    }


def _check_name(host: str) -> None:
    """What is no name of a registry is told apart from a registry that does not answer."""
    try:
        parse_reference(f"{host}/x")
    except CollectionError:
        raise CollectionError(
            f"{host!r} in hosts is no registry. Write it as it stands in references, such as registry.example.com:5000."
        ) from None


def _may_push(client: RegistryClient, repository: Any, problems: list[str]) -> bool:
    try:
        client.check_push(repository)
    except CollectionError as error:
        problems.append(error.msg)
        return False
    return True


def _described(shown: Shown) -> dict[str, Any]:
    return {
        "subject": shown.subject,
        "issuer": shown.issuer,
        "names": list(shown.names),
        "ends": shown.end,
        "days": (shown.ends - utc_now()).days,
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(REGISTRIES_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
