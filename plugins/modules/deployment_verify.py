#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_verify
short_description: A deployment of Dify does its work
version_added: 0.1.0
description:
  - Looks at a deployment from outside of its program. Every service runs, is healthy, and is the image that the active release
    pins, for the host's platform. Page and API answer through nginx. A worker takes and finishes a task. The proxy refuses
    private addresses. The sandbox runs code and is refused the network. No service was given a secret of another one.
  - Changes nothing. Fails when anything is not as it should be, with all that was found.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.deployments
attributes:
  check_mode:
    support: full
    description: Changes nothing, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  project:
    description: Name of the Compose project.
    type: str
    required: true
  url:
    description: Where nginx answers, as seen from the host.
    type: str
    required: true
  ca:
    description: CA certificate (PEM) on the host that the address is trusted by. By default those of the system.
    type: path
  page_path:
    description: A page. It must answer with HTML.
    type: str
    default: /
  api_path:
    description: A path of the api. It must answer with JSON.
    type: str
    default: /console/api/setup
  queue:
    description: The queue that the worker's task is put into. By default the first of C(CELERY_QUEUES), else C(dataset).
    type: str
  allowed_url:
    description: An address that the proxy must let through. Without it only the refusal is looked at.
    type: str
  private_url:
    description: An address that the proxy must refuse.
    type: str
    default: http://169.254.169.254/
  proxy:
    description: The proxy, as the api's container reaches it.
    type: str
    default: http://ssrf_proxy:3128
  timeout:
    description: Seconds that each question may take.
    type: int
    default: 60
seealso:
  - module: imagefleet.dify.deployment_info
"""

EXAMPLES = r"""
- name: Look whether the deployment does its work
  imagefleet.dify.deployment_verify:
    dir: "{{ deployment }}"
    project: dify
    url: http://localhost:8080
    api_path: /console/api/notes
    queue: note
"""

RETURN = r"""
release:
  description: The active release.
  type: str
  returned: success
checks:
  description: What was looked at.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: What.
      type: str
    service:
      description: Of which service.
      type: str
    passed:
      description: Whether it is as it should be.
      type: bool
    detail:
      description: What was found where it is not.
      type: str
"""

import os
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import Request

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment import probes
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import ComposeClient
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployed import Deployed
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import is_secret
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import effective_values
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.spec import DEPLOYMENT_SPEC
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.verification import (
    Check,
    judge_containers,
    judge_secrets,
)

SPEC = ArgumentSpec(
    options={
        "project": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "ca": {"type": "path"},
        "page_path": {"type": "str", "default": "/"},
        "api_path": {"type": "str", "default": "/console/api/setup"},
        "queue": {"type": "str"},
        "allowed_url": {"type": "str"},
        "private_url": {"type": "str", "default": "http://169.254.169.254/"},
        "proxy": {"type": "str", "default": "http://ssrf_proxy:3128"},
        "timeout": {"type": "int", "default": 60},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    store = ReleaseStore(params["dir"])
    release = store.find_release(store.state().active)
    if release is None:
        raise MissingPrerequisite(f"{params['dir']} has no active release.", task="the deploy playbook")
    docker = Cli(module.run_command, "docker")
    deployed = Deployed(docker, params["project"])
    platform = ComposeClient(docker, params["project"]).host_platform()
    containers = deployed.containers()
    values = effective_values(os.path.join(store.releases, release.id, "docker"))
    secrets = {key: value for key, value in values.items() if is_secret(key) and value}
    checks = [
        *judge_containers(
            release, containers, deployed.architectures([found["Image"] for found in containers]), platform
        ),
        *judge_secrets(release, containers, secrets),
        _answers(params, "nginx", "the page answers with HTML", params["page_path"], "text/html"),
        _answers(params, "api", "the api answers with JSON", params["api_path"], "application/json"),
        *_inside(params, deployed, release, values),
    ]
    failed = [check for check in checks if not check.passed]
    if failed:
        msg = "; ".join(f"{check.service}: {check.name}: {check.detail or 'no'}" for check in failed)
        raise CollectionError(
            f"{len(failed)} of {len(checks)} checks of release {release.id} failed. {msg}.",
            checks=[check.as_json() for check in checks],
        )
    return {"changed": False, "release": release.id, "checks": [check.as_json() for check in checks]}


def _answers(params: dict[str, Any], service: str, name: str, path: str, kind: str) -> Check:
    request = Request(timeout=params["timeout"], ca_path=params["ca"], use_proxy=False, follow_redirects="all")
    url = params["url"].rstrip("/") + path
    try:
        answer = request.get(url)
    except (OSError, ValueError) as error:
        return Check(name, service, False, f"{url}: {error}")
    found = answer.headers.get("Content-Type", "")
    return Check(
        name, service, found.startswith(kind), "" if found.startswith(kind) else f"{url} is {found or 'nothing'}"
    )


def _inside(params: dict[str, Any], deployed: Deployed, release: Release, values: dict[str, str]) -> list[Check]:
    containers = deployed.of_service("api")
    timeout = str(params["timeout"])

    def ask(service: str, name: str, program: str, *arguments: str, expected: Callable[[str], bool]) -> list[Check]:
        if service not in release.images and service not in release.external:
            return []
        if not containers:
            return [Check(name, service, False, "no container of api runs that could ask")]
        done = deployed.run_python(containers[-1].name, program, *arguments)
        passed = done.rc == 0 and expected(done.stdout.strip())
        return [Check(name, service, passed, "" if passed else done.stdout.strip() or done.last_lines(1))]

    queue = params["queue"] or values.get("CELERY_QUEUES", "").split(",")[0] or "dataset"
    checks = [
        *ask("worker", "it takes a task and finishes it", probes.WORKER, queue, timeout, expected=lambda text: True),
        *ask("ssrf_proxy", "it refuses a private address", probes.PROXY, params["proxy"], params["private_url"], timeout,
             expected=lambda text: text == "403"),
        *ask("sandbox", "it runs code", probes.SANDBOX, probes.IN_SANDBOX, timeout, expected=lambda text: text.startswith("42")),
        *ask("sandbox", "it is refused the network", probes.SANDBOX, probes.NETWORK_IN_SANDBOX, timeout,
             expected=lambda text: "connected" not in text),
    ]  # fmt: skip
    for service, places in release.external.items():
        for place in places:
            checks += ask(
                service, f"the api can connect to {place}", probes.CONNECT, place, timeout, expected=lambda text: True
            )
    if params["allowed_url"]:
        checks += ask("ssrf_proxy", "it lets an allowed address through", probes.PROXY, params["proxy"], params["allowed_url"],
                      timeout, expected=lambda text: text.startswith(("2", "3")))  # fmt: skip
    return checks


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.merge(DEPLOYMENT_SPEC).to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
