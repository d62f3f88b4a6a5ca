#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_customisation
short_description: The build context of an image that has more in it than its source
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Writes a Dockerfile and the files that it needs. Built by M(imagefleet.dify.image_build), it puts packages, files, scripts
    and variables on top of an image of a component that exists already. So a change to any of them costs seconds, and the
    source is neither touched nor built again.
  - The image that it is built on is called C(upstream) in the Dockerfile. O(imagefleet.dify.image_build#module:base_images)
    says which one that is.
  - Python packages go into the component's virtual environment, by the tool that the component was made with, as root. The
    image's user, entrypoint and command stay as they are. No caches are left in its layers.
options:
  dest:
    description:
      - Folder on the host for the context, an absolute path. It belongs to this module, which removes all else in it.
      - When nothing is asked for, the folder is removed.
    type: path
    required: true
  component:
    description: Name of the component, such as V(api).
    type: str
    required: true
  profile:
    description:
      - What is known of the component's image. RV(imagefleet.dify.source_profile#module:components) has it, and
        M(imagefleet.dify.image_info) can tell it of the image itself.
      - Read are C(user), C(entrypoint) and C(command), which must be there, and C(virtual_env), C(package_manager) and
        C(environment).
    type: dict
    required: true
  pip_packages:
    description:
      - Python packages, each a name with a version if need be, such as C(requests[socks]==2.32.3), with C(--hash=sha256:…)
        if wanted.
      - Only for a component with a virtual environment, the api.
    type: list
    elements: str
    default: []
  pip_requirements:
    description: A requirements file with Python packages. It may not name other files.
    type: path
  pip_require_hashes:
    description: Refuse packages without a hash, and whatever has another one.
    type: bool
    default: false
  apt_packages:
    description:
      - Debian packages, each a name, C(name=version) or C(name/suite). What they only recommend is not installed.
      - Only for images on a base of Debian or Ubuntu. The build says so on another one.
    type: list
    elements: str
    default: []
  files:
    description: Files for the image.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: The file on the host.
        type: path
      content:
        description: Its text.
        type: str
      dest:
        description: Its absolute path in the image.
        type: str
        required: true
      owner:
        description: Its owner, a number or a name that the image knows. Root by default.
        type: str
        default: "0"
      group:
        description: Its group.
        type: str
        default: "0"
      mode:
        description: Its mode, four octal digits in quotes.
        type: str
        default: "0644"
  scripts:
    description: Programs for the image, executable for everybody.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: The file on the host.
        type: path
      content:
        description: Its text.
        type: str
      dest:
        description:
          - Its absolute path in the image. By default its name in C(/usr/local/bin), and for a hook a place of its own.
        type: str
      hook:
        description:
          - Run it at each start of a container, before the image's own entrypoint, as the image's user. Hooks run in their
            order. When one fails, the container ends with its exit code.
        type: bool
        default: false
  env:
    description:
      - Environment variables. They are defaults, which whoever starts a container may set otherwise.
      - One that looks like a secret is refused. Everybody who can pull an image can read them.
    type: dict
    default: {}
  runtime_ca:
    description:
      - A file on the host with certificates in PEM that the image trusts when it runs, beside those that it trusts anyway.
      - They are put into the store of the operating system and into certifi of the Python environment. Node is told of them by
        C(NODE_EXTRA_CA_CERTS).
      - What a build itself trusts is O(imagefleet.dify.image_build#module:ca_bundle), which stays in no image.
    type: path
  squid_config_template:
    description:
      - A file on the host that takes the place of Squid's template in the image. At each start C(squid.conf) is made of it.
      - Only for V(ssrf_proxy).
    type: path
attributes:
  check_mode:
    support: full
    description: Returns what the run would.
  diff_mode:
    support: full
    description: Shows what would be written, and of files and scripts the digests.
seealso:
  - module: imagefleet.dify.image_build
  - module: imagefleet.dify.source_profile
"""

EXAMPLES = r"""
- name: Ask how the api is built
  imagefleet.dify.source_profile:
    path: /var/lib/imagefleet/source/dify
  register: profile

- name: Put a package and a certificate on top of it
  imagefleet.dify.image_customisation:
    dest: /var/lib/imagefleet/customisation/api
    component: api
    profile: "{{ profile.components.api }}"
    pip_packages: [psycopg2-binary==2.9.10]
    apt_packages: [fonts-noto-cjk]
    files:
      - src: /etc/ssl/company.pem
        dest: /etc/ssl/company.pem
        mode: "0644"
    scripts:
      - content: |
          #!/bin/sh
          echo "started by $(id -un)"
        hook: true
    env:
      SSL_CERT_FILE: /etc/ssl/company.pem
  register: customisation

- name: Build that
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: "{{ customisation.context }}"
        dockerfile: "{{ customisation.dockerfile }}"
        base_images:
          upstream: "{{ build.images[0].reference }}"
    platforms: [linux/amd64, linux/arm64]
  register: customised

- name: Import what was added, without a network
  imagefleet.dify.image_smoke_test:
    reference: "{{ customised.images[0].reference }}"
    tests: "{{ customisation.smoke_tests }}"
"""

RETURN = r"""
context:
  description: The folder, for O(imagefleet.dify.image_build#module:context).
  returned: success
  type: str
  sample: /var/lib/imagefleet/customisation/api
dockerfile:
  description: Name of the Dockerfile in it, for O(imagefleet.dify.image_build#module:dockerfile).
  returned: success
  type: str
  sample: Dockerfile
customised:
  description: Whether anything is asked for. When not, there is no folder and nothing to build.
  returned: success
  type: bool
changes:
  description: Files of the folder that were written, or would be, with C((new)) and C((gone)) where they were.
  returned: success
  type: list
  elements: str
  sample: ["pip_packages.txt", "files/etc/ssl/company.pem (new)"]
smoke_tests:
  description:
    - Tests of what was added, for O(imagefleet.dify.image_smoke_test#module:tests). They import each package in the image, and
      tell which cannot be.
  returned: success
  type: list
  elements: dict
unknown:
  description: Nothing can be told before another task has run, which RV(msg) names.
  returned: in check mode, when a file on the host is not there yet
  type: bool
  sample: true
msg:
  description: What is missing or wrong, and what to do.
  returned: when RV(unknown), or failed
  type: str
"""

import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._image.customisation import (
    CUSTOMISATION_SPEC,
    parse_customisation,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.derived_dockerfile import (
    DOCKERFILE,
    FIRST_LINE,
    GENERATED,
    context_files,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.import_test import import_test
from ansible_collections.imagefleet.dify.plugins.module_utils._image.upstream import parse_upstream
from ansible_collections.imagefleet.dify.plugins.module_utils._image.written_folder import (
    WrittenFolder,
    changed_files,
    folder_diff,
)

SPEC = ArgumentSpec(
    options={
        "dest": {"type": "path", "required": True},
        "component": {"type": "str", "required": True},
        "profile": {"type": "dict", "required": True},
    }
).merge(CUSTOMISATION_SPEC)


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    folder = WrittenFolder(_absolute(params["dest"]), FIRST_LINE, DOCKERFILE)
    upstream = parse_upstream(_component(params["component"]), params["profile"])
    customisation = parse_customisation(upstream.component, params, _read)
    wanted, current = context_files(upstream, customisation), folder.read()
    changes = changed_files(current, wanted)
    if changes and not module.check_mode:
        folder.replace(wanted)
    added = customisation.added_packages
    return {
        "changed": bool(changes),
        "context": folder.path,
        "dockerfile": DOCKERFILE,
        "customised": bool(wanted),
        "changes": changes,
        "smoke_tests": [import_test(upstream.python, added)] if added else [],
        "diff": folder_diff(current, wanted, GENERATED),
    }


def _absolute(dest: str) -> str:
    path = os.path.normpath(dest)
    if not os.path.isabs(dest) or os.path.dirname(path) == path:
        raise CollectionError(f"dest is {dest!r}, which is no absolute path of a folder of its own.", dest=dest)
    return path


def _component(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name, re.ASCII):
        raise CollectionError(f"component is {name!r}; a name has lower-case letters, digits and _.", component=name)
    return name


def _read(option: str, path: str) -> bytes:
    if not os.path.lexists(path):
        raise MissingPrerequisite(
            f"{option} is {path}, which is not on this host. Correct the path.", task=f"the task that makes {path}"
        )
    if not os.path.isfile(path):
        raise CollectionError(f"{option} is {path}, which is no file. A folder's files are each an entry of their own.")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CollectionError(f"{option} is {path}, which cannot be read: {error}. Check its owner.") from error


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
