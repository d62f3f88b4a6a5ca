#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: source_profile
short_description: Tell what a source of Dify has, and how each component of it is built
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Releases of Dify differ in where their builds start, in their package managers, in the user that their images run as, and
    in what they consist of. This module finds it out from the source's files, whatever version they say they are.
  - A build starts where all is that its Dockerfile copies, either in the component's folder or in the root. Where both have
    it, an ignore file that only a build from the root reads (C(api/Dockerfile.dockerignore) without C(api/.dockerignore))
    decides for the root.
  - What it tells of an image stands in the Dockerfile, with the defaults of its arguments. What only the base image or a build
    argument without a default tells is left out.
  - It also tells what the repositories C(dify-sandbox) and C(dify-plugin-daemon) have, see RV(kind).
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
  expected_version:
    description:
      - The release that the source is meant to be, such as V(1.12.1). What the files say is held against what is known of it,
        and a disagreement fails, naming each thing that differs. So a wrong ref is not built for the right one.
      - Only the number of a release that is known here is checked, of Dify 0.15 to 1.17, dify-sandbox 0.2 and
        dify-plugin-daemon up to 0.6. Anything else (a branch, a commit, V(1.12.1-ours), a beta, a later release) is not.
      - What deviates and does no harm is let pass, and told in RV(tolerated).
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

- name: Ask how it is built, and whether it is what it is called
  imagefleet.dify.source_profile:
    path: "{{ source.path }}"
    commit: "{{ source.head }}"
    expected_version: "{{ source.version }}"
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

- name: Hold the sandbox that belongs to it
  imagefleet.dify.source_checkout:
    repo: https://git.example.com/dify-sandbox.git
    ref: "{{ profile.sandbox }}"
    dest: /var/lib/imagefleet/source/dify-sandbox
  when: profile.sandbox is not none
"""

RETURN = r"""
kind:
  description: >-
    Which repository it is: V(dify), V(dify-sandbox) or V(dify-plugin-daemon). The name of the Go module tells the latter two,
    or files that only they have. Everything else is V(dify).
  returned: success, unless RV(unknown)
  type: str
  sample: dify
version:
  description: >-
    The version that the source says it is: in the constant C(CURRENT_VERSION) or the project file of the api, or else in
    the package.json of web. Null when it says none, and for the other two repositories, which never do.
  returned: success, unless RV(unknown)
  type: str
  sample: 1.12.1
version_file:
  description: The file that says RV(version).
  returned: success, unless RV(unknown)
  type: str
  sample: api/pyproject.toml
sandbox:
  description: >-
    The version of dify-sandbox that belongs to the source: the tag of its image in C(docker/docker-compose.yaml). Null where
    none is named.
  returned: success, unless RV(unknown)
  type: str
  sample: 0.2.12
plugin_daemon:
  description: >-
    The version of dify-plugin-daemon that belongs to the source, with its flavour: the tag of its image in
    C(docker/docker-compose.yaml). Null where none is named, as before 1.0.
  returned: success, unless RV(unknown)
  type: str
  sample: 0.5.3-local
tolerated:
  description: What deviates from O(expected_version) and is let pass, each with what is expected and why it does no harm.
  returned: success, unless RV(unknown)
  type: list
  elements: str
  sample:
    - "web corepack: no corepack in web/Dockerfile, but 1.15.0 is expected to let corepack bring the package manager (it does
      since 1.8.0): the Dockerfile brings its package manager itself"
components:
  description: >-
    Each component that the source has, by name: V(api), V(web), V(ssrf_proxy), and V(agent_backend) and V(local_sandbox) where
    the release has them. V(sandbox) or V(plugin_daemon) for the other two kinds. All paths but RV(components.dockerfile) are
    relative to the source's root.
  returned: success, unless RV(unknown)
  type: dict
  sample:
    api:
      context: .
      dockerfile: api/Dockerfile
      user: dify
      workdir: /app/api
      entrypoint: [/bin/bash, /entrypoint.sh]
      command: []
      exposes: [5001]
      environment: {FLASK_APP: app.py, VIRTUAL_ENV: /app/api/.venv}
      base_images: ["python:3.12-slim-bookworm"]
      arguments: [COMMIT_SHA, dify_uid]
      syntax: null
      apt_pins: ["zlib1g=1:1.2.13.dfsg-1"]
      package_manager: uv
      package_manager_version: 0.8.9
      virtual_env: /app/api/.venv
      lock_file: api/uv.lock
    ssrf_proxy:
      context: docker/ssrf_proxy
      dockerfile: null
  contains:
    context:
      description: The folder that its build starts from; V(.) for the root.
      type: str
      sample: .
    dockerfile:
      description: >-
        Its Dockerfile, relative to RV(components.context). Null where the source has none that builds an image alone; of what
        follows there is then only what the other files tell.
      type: str
      sample: api/Dockerfile
    user:
      description: The user that C(USER) names. Empty where no line does, which means root as a rule.
      type: str
      sample: dify
    workdir:
      description: The folder that its program starts in.
      type: str
      sample: /app/api
    entrypoint:
      description: The words of C(ENTRYPOINT). A line without brackets is given to the shell, as the engine does it.
      type: list
      elements: str
      sample: [/bin/bash, /entrypoint.sh]
    command:
      description: The words of C(CMD).
      type: list
      elements: str
      sample: []
    exposes:
      description: Its ports.
      type: list
      elements: int
      sample: [5001]
    environment:
      description: >-
        Variables of the image whose value the Dockerfile tells. One that takes in a variable of the base image (C(PATH)) or a
        build argument without a default (C(COMMIT_SHA)) is not among them.
      type: dict
      sample: {"FLASK_APP": "app.py"}
    base_images:
      description: >-
        Names of the images that its build starts from or copies from, sorted. Null where one is given by an argument
        that has no default.
      type: list
      elements: str
      sample: ["python:3.12-slim-bookworm"]
    arguments:
      description: Names of the build arguments that it declares, sorted.
      type: list
      elements: str
      sample: [COMMIT_SHA, dify_uid]
    syntax:
      description: The frontend that a C(# syntax=) line names; null without such a line.
      type: str
      sample: docker/dockerfile:1
    apt_pins:
      description: >-
        Versions that it asks of apt, in their order. One that an argument gives is not among them.
      type: list
      elements: str
      sample: ["zlib1g=1:1.2.13.dfsg-1"]
    package_manager:
      description: >-
        What installs its packages: V(poetry), V(uv) or V(pip); for web V(npm), V(yarn) or V(pnpm). Where the source has lock
        files of several, the one counts that the Dockerfile copies. Null without any.
      type: str
      sample: uv
    package_manager_version:
      description: The version of it that the Dockerfile or the package.json names; null when none does.
      type: str
      sample: 0.8.9
    lock_file:
      description: The lock file of it (C(requirements.txt) for pip).
      type: str
      sample: api/uv.lock
    virtual_env:
      description: >-
        The folder in the image that Python packages belong in (api, agent_backend and local_sandbox). Null for the base image's
        own.
      type: str
      sample: /app/api/.venv
    corepack:
      description: Whether corepack brings the package manager (web).
      type: bool
      sample: true
    default_locale:
      description: >-
        Where the default language of the pages stands (web): a literal in the source, so that only a patch changes it. Null
        where it is not found.
      type: dict
      sample: {"file": "web/i18n-config/index.ts", "value": "en-US", "line": "  defaultLocale: 'en-US',"}
      contains:
        file:
          description: The file.
          type: str
          sample: web/i18n-config/index.ts
        value:
          description: The language.
          type: str
          sample: en-US
        line:
          description: The whole line, as it is in the file.
          type: str
          sample: "  defaultLocale: 'en-US',"
        known:
          description: Languages that the source has texts in; empty where they are not kept in folders of their own.
          type: list
          elements: str
          sample: [de-DE, en-US, zh-Hans]
    page:
      description: A path that is answered with a page and not with a redirection (web).
      type: str
      sample: /signin
    downloaded_data:
      description: Names of the data that the build downloads for C(nltk) and C(tiktoken) (api).
      type: dict
      sample: {"nltk": ["punkt", "stopwords"], "tiktoken": ["gpt2"]}
    base_path_argument:
      description: The build argument for the path that the pages are served below (web). Null in releases without it.
      type: str
      sample: NEXT_PUBLIC_BASE_PATH
    layout:
      description: >-
        How dify-sandbox keeps its Dockerfiles: V(per_architecture), or V(templates) that a script fills in. Null for
        dify-plugin-daemon.
      type: str
      sample: templates
    flavours:
      description: >-
        The Dockerfiles of dify-sandbox by architecture (V(amd64)) or template (V(production)), those of dify-plugin-daemon by
        what they are for (V(local), V(serverless)), each with what is told of the image as above. In the latter,
        C(entrypoint_style) is V(script) (it starts C(entrypoint.sh)), V(migrate) (a shell that migrates first), V(tini) (the same
        below tini) or V(direct).
      type: dict
      sample: {"amd64": {"context": ".", "dockerfile": "docker/amd64/dockerfile", "base_images": ["python:3.10-slim-bookworm"]}}
    go_version:
      description: The toolchain that C(go.mod) names, or else the version of the language there.
      type: str
      sample: 1.23.3
    python_version:
      description: The version of Python that the tag of dify-sandbox's base image names.
      type: str
      sample: "3.10"
    node_version:
      description: The version of Node that dify-sandbox downloads.
      type: str
      sample: 20.11.1
    python_path:
      description: The interpreter that dify-sandbox's C(conf/config.yaml) names. Its image has to have it there.
      type: str
      sample: /usr/local/bin/python3
unknown:
  description: Nothing can be told before another task has run, which RV(msg) names.
  returned: in check mode, when the source is not there yet
  type: bool
  sample: true
disagreements:
  description: What the source has that O(expected_version) is known to have otherwise.
  returned: when it fails for that
  type: list
  elements: str
  sample: ["web package manager: yarn.lock, but 1.2.0 is expected to use pnpm (it does since 1.0.0)"]
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
from ansible_collections.imagefleet.dify.plugins.module_utils._image.profile import find_profile

PROFILE_SPEC = ArgumentSpec(
    options={
        "path": {"type": "path", "required": True},
        "commit": {"type": "str"},
        "expected_version": {"type": "str"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    path, commit = module.params["path"], module.params["commit"]
    source = open_context(path, commit and require_commit(commit), Cli(module.run_command, "git", READ_ANY_OWNERS))
    profile = find_profile(
        (entry.path for entry in source.entries()),
        lambda name: (source.read(name) or b"").decode("utf-8", "surrogateescape"),
        module.params["expected_version"],
    )
    return {"changed": False, **profile.result()}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **PROFILE_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
