#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: source_profile
short_description: Tell which components a source of Dify has, and how each is built
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Releases of Dify differ in where their builds start. The api was built from C(api), and is built from the repository's
    root since 1.15. This module finds it out from the source's files, whatever version they say they are.
  - A build starts where all is that its Dockerfile copies, either in the component's folder or in the root. Where both have
    it, an ignore file that only a build from the root reads (C(api/Dockerfile.dockerignore) without C(api/.dockerignore))
    decides for the root.
  - It changes nothing.
options:
  path:
    description:
      - The source's root, a folder of files. With O(commit) the root of a work tree, which need not hold them.
    type: path
    required: true
  commit:
    description:
      - Read the files of this commit (40 digits), whatever the work tree holds. By default the folder as it is.
    type: str
requirements:
  - git 2.34 or newer, for O(commit)
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
seealso:
  - module: imagefleet.dify.source_checkout
  - module: imagefleet.dify.image_build
"""

EXAMPLES = r"""
- name: Hold a release
  imagefleet.dify.source_checkout:
    repo: https://git.example.com/dify.git
    ref: 1.15.0
    dest: /var/lib/imagefleet/source/dify
  register: source

- name: Ask how it is built
  imagefleet.dify.source_profile:
    path: "{{ source.path }}"
    commit: "{{ source.head }}"
  register: profile

- name: Build its api
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: "{{ source.path }}/{{ profile.components.api.context }}"
        dockerfile: "{{ profile.components.api.dockerfile }}"
    commit: "{{ source.head }}"
    platforms: [linux/amd64, linux/arm64]
"""

RETURN = r"""
components:
  description: Each component that the source has, by name (V(api), V(web), V(ssrf_proxy)).
  returned: success, unless RV(unknown)
  type: dict
  sample: {"api": {"context": ".", "dockerfile": "api/Dockerfile"}, "web": {"context": "web", "dockerfile": "Dockerfile"}}
  contains:
    context:
      description: The folder that its build starts from, relative to the source's root; V(.) for the root.
      type: str
      sample: .
    dockerfile:
      description: Its Dockerfile, relative to RV(components.context). Null where the source has none.
      type: str
      sample: api/Dockerfile
unknown:
  description: Nothing can be told before another task has run, which RV(msg) names.
  returned: in check mode, when the source is not there yet
  type: bool
  sample: true
msg:
  description: What is missing or wrong, and what to do.
  returned: when RV(unknown), or failed
  type: str
  sample: "unknown until source_checkout has run: The context /srv/dify is not a folder on this host."
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import require_commit
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import READ_ANY_OWNERS, open_context
from ansible_collections.imagefleet.dify.plugins.module_utils._image.profile import find_layouts

PROFILE_SPEC = ArgumentSpec(options={"path": {"type": "path", "required": True}, "commit": {"type": "str"}})


def run(module: AnsibleModule) -> dict[str, Any]:
    path, commit = module.params["path"], module.params["commit"]
    source = open_context(path, commit and require_commit(commit), Cli(module.run_command, "git", READ_ANY_OWNERS))
    layouts = find_layouts(
        (entry.path for entry in source.entries()),
        lambda name: (source.read(name) or b"").decode("utf-8", "surrogateescape"),
    )
    return {"changed": False, "components": {name: vars(layout) for name, layout in layouts.items()}}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **PROFILE_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
