#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_page
short_description: A page of a deployment of Dify in a real browser
version_added: 0.1.0
description:
  - Has a browser of the Chromium family load a page and run its scripts, and looks at what it asked for.
  - The page must load, its scripts must reach the api, and none of them may fail.
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - Chromium or Chrome 112 or newer on the host of the module, mostly the controller
attributes:
  check_mode:
    support: full
    description: Reads only, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  url:
    description: The address of the page, with its path.
    type: str
    required: true
  api_path:
    description: How the paths of the api start, on whatever host. One of them has to be answered with success, none with an error
      of the server.
    type: str
    default: /console/api/
  browser:
    description: The browser's program, by its path or by its name.
    type: str
    default: chromium
  ca:
    description:
      - A CA certificate, as text, that has signed the certificate of the address. Whether it has, and for that name, is looked at
        first. The browser then takes this very certificate.
    type: str
  timeout:
    description: Seconds that the browser may take.
    type: int
    default: 60
seealso:
  - module: imagefleet.dify.deployment_verify
"""

EXAMPLES = r"""
- name: Look at the page
  imagefleet.dify.deployment_page:
    url: http://localhost:8080/
"""

RETURN = r"""
requests:
  description: What the browser asked for.
  type: list
  elements: dict
  returned: success
  contains:
    url:
      description: The address.
      type: str
    status:
      description: Of the answer; null where none came.
      type: int
    failed:
      description: Whether it failed. Otherwise one without a status was still under way.
      type: bool
checks:
  description: What was looked at.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: What it was.
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

import socket
import ssl
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import Openssl, openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.browsed_page import judge_page, parse_net_log
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.browser import Browser
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.verification import Check

SPEC = ArgumentSpec(
    options={
        "url": {"type": "str", "required": True},
        "api_path": {"type": "str", "default": "/console/api/"},
        "browser": {"type": "str", "default": "chromium"},
        "ca": {"type": "str"},
        "timeout": {"type": "int", "default": 60},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    url = urlsplit(params["url"])
    if url.scheme not in ("http", "https"):
        raise CollectionError(f"url is {params['url']!r}, and must start with http:// or https://.")
    if params["timeout"] < 1:
        raise CollectionError(f"timeout is {params['timeout']}, and must be at least 1 second.")
    program = Cli(module.run_command, params["browser"], provided_by="the distribution's package chromium")
    with task_workspace(module.tmpdir, "page") as folder:
        openssl = Openssl(openssl_cli(module.run_command), folder)
        trusted = openssl.key_hash(_certificate(params)) if params["ca"] and url.scheme == "https" else None
        seen = Browser(program, folder, params["timeout"]).load(params["url"], trusted)
    asked = parse_net_log(seen.net_log, params["url"])
    checks = judge_page(params["url"], params["api_path"], asked, seen.page, seen.console)
    told = [check.as_json() for check in checks]
    failed = [check for check in checks if not check.passed]
    if failed:
        raise CollectionError("; ".join(f"{check.name}: {check.detail}" for check in failed) + ".", checks=told)
    return {"changed": False, "requests": [asdict(each) for each in asked], "checks": told}


def _certificate(params: dict[str, Any]) -> str:
    """The certificate that the address shows, which the CA has signed for its name."""
    url = urlsplit(params["url"])
    try:
        context = ssl.create_default_context(cadata=params["ca"])
        connection = socket.create_connection((url.hostname or "", url.port or 443), timeout=params["timeout"])
        with connection, context.wrap_socket(connection, server_hostname=url.hostname) as answer:
            return ssl.DER_cert_to_PEM_cert(answer.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError) as error:
        check = Check("its page loads in a browser", "web", False, f"{params['url']}: {error}")
        raise CollectionError(f"{check.name}: {check.detail}.", checks=[check.as_json()]) from error


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
