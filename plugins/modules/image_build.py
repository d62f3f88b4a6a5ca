#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Images for several platforms exist, built only when their inputs changed
version_added: 0.1.0
description:
  - Makes sure that images exist in a registry, in the engine or in an OCI layout, each for all its platforms.
  - Images are addressed by their inputs. What decides an image (build context, Dockerfile, target, build args, named
    contexts and bases by digest, platform, labels, attestations and more) is hashed into a fingerprint. What is found under
    the tag C(fp-<fingerprint>) is not built again, whoever built it.
  - Only the platforms that are missing are built; the index of all platforms is merged from them.
  - Tags that people use are not touched. Move them with M(imagefleet.dify.image_promote) after the tests passed.
  - Labels of the OCI's annotation set tell the base's name and digest, and what O(version), O(revision), O(created) and O(source)
    say.
  - The revision, the creation time, the build args E(COMMIT_SHA) and E(SOURCE_DATE_EPOCH), and the values of secrets do not
    count, so a hit may carry an older revision with the same inputs.
author:
  - The imagefleet.dify maintainers (@imagefleet)
extends_documentation_fragment:
  - imagefleet.dify.buildx
  - imagefleet.dify.registries
attributes:
  check_mode:
    support: full
    description: Returns what would be built and why. It predicts neither success nor digests.
  diff_mode:
    support: full
    description: Shows the image's fingerprint and the reasons of a build.
options:
  images:
    description:
      - The images. Each has a O(images[].name) and may set any other option of this module for itself, except O(builder),
        O(max_parallel), O(unreachable_nodes) and those of the documentation fragments. What it leaves out comes from the top
        level.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the image in results and logs. Lower-case letters, digits, C(-) and C(_).
        type: str
        required: true
      repository:
        description: Where the image goes, C(registry/repository), without tag and digest.
        type: str
      context:
        description:
          - The build context, a folder on the host. Read by content, but for C(.git), under the ignore rules of BuildKit.
          - A context that is the root of its source, and whose ignore file is no whitelist, is narrowed to what the
            Dockerfile copies.
        type: path
      commit:
        description:
          - Commit (40 hexadecimal digits) from whose tree the context is read, instead of the files on disk. The context
            then has to lie in a Git repository; RV(imagefleet.dify.source_checkout#module:head) is such a commit.
        type: str
      dockerfile:
        description: The Dockerfile, relative to the context, or an absolute path outside of it. C(Dockerfile) by default.
        type: str
      dockerfile_inline:
        description:
          - The Dockerfile itself, in place of O(images[].dockerfile), for a context that has none. It counts as the same
            input.
        type: str
      recipe:
        description:
          - V(upstream) (default) builds by the Dockerfile as it is.
          - V(optimised) is for a Dockerfile that installs Python packages (uv, Poetry or pip) or builds pages (npm, yarn or pnpm)
            before its last stage. It makes another from it, by which everything runs on the build's own platform and only files
            are of the target's; the image starts an init process as uid 1001, has a health check, no compilers and no setuid.
        type: str
        choices: [upstream, optimised]
      build_on_target:
        description:
          - Python packages that V(optimised) compiles on the image's own platform, under emulation where no node is native.
            Those that have wheels for other platforms alone are found in the project's lock. This is for those that have no wheel
            at all and are not Python alone.
        type: list
        elements: str
      target:
        description: Stage to build. The last one by default.
        type: str
      platforms:
        description: Platforms such as C(linux/arm64).
        type: list
        elements: str
      args:
        description:
          - Build args. They stay in the image's history, so one that looks like a secret is refused; see O(images[].secrets).
          - One that the Dockerfile has no C(ARG) for in a stage that is built is refused too, because nothing would come of it.
        type: dict
      contexts:
        description:
          - Named contexts by name. An absolute folder, C(docker-image://reference), C(oci-layout://folder@digest) or a
            Git URL that ends in C(#commit).
        type: dict
      base_images:
        description:
          - References to use in place of images that the Dockerfile names in C(FROM), C(COPY --from) or C(RUN --mount=from=).
          - With or without an entry here, each base is resolved to a digest, and exactly that digest is built on.
        type: dict
      locked_bases:
        description:
          - Digests of bases by their reference (after O(images[].base_images)), as RV(images[].bases) returns them. What is
            not in it is asked of its registry.
        type: dict
      context_files:
        description:
          - Files put into the context, or in the place of some that are there, before anything else reads it. They count as
            the context's own do.
        type: list
        elements: dict
        suboptions:
          path:
            description: Where, in the context.
            type: str
            required: true
          src:
            description: File on the host.
            type: path
          content:
            description: Its text.
            type: str
      replacements:
        description: Texts in files of the context to be replaced, such as a default that a source has no setting for.
        type: list
        elements: dict
        suboptions:
          path:
            description: The file, in the context.
            type: str
            required: true
          before:
            description: What stands there, exactly once.
            type: str
            required: true
          after:
            description: What is to stand there.
            type: str
            required: true
      apt_pins:
        description:
          - What to do with versions that the Dockerfile asks of apt (C(package=version)). Archives keep only the newest, so
            that a pinned build stops working one day.
          - V(keep) (default) changes nothing. V(relax) takes what the archive has now. V(snapshot) takes packages from
            Debian's archive as it was at O(images[].source_date_epoch).
        type: str
        choices: [keep, relax, snapshot]
      build_env:
        description: Environment variables of C(RUN) instructions, and not of the image. They count.
        type: dict
      mirrors:
        description:
          - Where C(RUN) instructions download from. Nothing of it stays in the image, and it does not count.
          - Keys are V(pip) (a simple index, also for uv and Poetry), V(pip_files) (where that index keeps its files,
            C(packages) beside it by default), V(npm) (also for yarn, pnpm and corepack), V(apt) (what stands before
            C(/debian), C(/debian-security) and C(/ubuntu)), V(apt_snapshot), V(apk) (before C(/alpine)), V(node), V(go), V(nltk),
            V(tiktoken), and V(preset), which is V(cn).
        type: dict
      proxy:
        description:
          - Proxy of C(RUN) instructions, by V(http), V(https) and V(no_proxy). Nothing of it stays in the image; does not
            count.
        type: dict
      ca_bundle:
        description:
          - File on the host with certificates in PEM, which C(RUN) instructions trust beside those of their base. Nothing
            of it stays in the image; does not count.
        type: path
      secrets:
        description: Build secrets for C(RUN --mount=type=secret). Their values do not count, and appear nowhere.
        type: list
        elements: dict
        suboptions:
          id:
            description: Id of the secret.
            type: str
            required: true
          src:
            description: File on the host that holds it.
            type: path
          env:
            description: Environment variable on the host that holds it.
            type: str
          value:
            description: The secret itself.
            type: str
          version:
            description: Counts as an input. Raise it when the secret's change must lead to a new image.
            type: str
      ssh:
        description: Agents or keys for C(RUN --mount=type=ssh), such as C(default) or C(id=/key). Only the ids count.
        type: list
        elements: str
      labels:
        description: Labels of the image. All but revision and creation time count.
        type: dict
      annotations:
        description: Annotations of the manifests and the index.
        type: dict
      version:
        description: Label C(org.opencontainers.image.version).
        type: str
      revision:
        description: Label C(org.opencontainers.image.revision). Does not count unless O(images[].exact_revision=true).
        type: str
      source:
        description: Label C(org.opencontainers.image.source), an address, which loses a user and password. Does not count.
        type: str
      created:
        description: Label C(org.opencontainers.image.created), RFC 3339. Does not count.
        type: str
      cache_from:
        description:
          - Caches to import, such as C(type=registry,ref=localhost:5000/cache:api). One that is missing is no failure.
        type: list
        elements: str
      cache_to:
        description:
          - Caches to export. A failing export warns and does not fail the build, unless it says C(ignore-error=false).
        type: list
        elements: str
      registry_cache:
        description:
          - Keep all steps of the build beside the image, under C(cache-<recipe>-<platform>), and take from there what a builder
            has not done itself. A cache that is missing, broken or refused never fails a build. V(false) by default.
        type: bool
      provenance:
        description: SLSA provenance attestation. V(max) by default, which also tells how many steps were emulated.
        type: str
        choices: [max, min, none]
      sbom:
        description: Reference of an image that generates an SBOM attestation, or V(default) for BuildKit's own.
        type: str
      network:
        description: Network of C(RUN) instructions. V(default) by default.
        type: str
        choices: [default, none, host]
      source_date_epoch:
        description: Seconds since 1970 for the image's creation time and, with drivers that can, all files in its layers.
        type: int
      reproducible:
        description: Fail when the builder cannot rewrite timestamps, as the C(docker) driver cannot. V(false) by default.
        type: bool
      output:
        description:
          - V(registry) (default), V(engine) for the Docker Engine of the host, or V(oci_layout) for a folder.
          - V(engine) with several platforms needs an engine with the containerd image store.
        type: str
        choices: [registry, engine, oci_layout]
      output_path:
        description: The folder for O(images[].output=oci_layout).
        type: path
      rebuild:
        description:
          - V(changed) (default) builds what is missing.
          - V(always) builds without cache, beside what is there, under C(fp-…-r2) and so on.
          - V(never) fails when something would have to be built.
        type: str
        choices: [changed, always, never]
      max_age:
        description:
          - Age after which an image is built again without cache, so that updates arrive; a number and C(h), C(d) or C(w).
          - Ages are counted in periods since 1970, so that all hosts agree.
        type: str
      exact_revision:
        description: Let the revision count. V(false) by default.
        type: bool
      compare_to:
        description: Reference whose record of inputs the reasons are told against, such as the tag that people use.
        type: str
  repository:
    description: Where the image goes, C(registry/repository), without tag and digest.
    type: str
  context:
    description:
      - The build context, a folder on the host. Read by content, but for C(.git), under the ignore rules of BuildKit.
      - A context that is the root of its source, and whose ignore file is no whitelist, is narrowed to what the Dockerfile
        copies.
    type: path
  commit:
    description:
      - Commit (40 hexadecimal digits) from whose tree the context is read, instead of the files on disk. The context then has
        to lie in a Git repository; RV(imagefleet.dify.source_checkout#module:head) is such a commit.
    type: str
  dockerfile:
    description: The Dockerfile, relative to the context, or an absolute path outside of it. C(Dockerfile) by default.
    type: str
  dockerfile_inline:
    description:
      - The Dockerfile itself, in place of O(dockerfile), for a context that has none. It counts as the same
        input.
    type: str
  recipe:
    description:
      - V(upstream) (default) builds by the Dockerfile as it is.
      - V(optimised) is for a Dockerfile that installs Python packages (uv, Poetry or pip) or builds pages (npm, yarn or pnpm)
        before its last stage. It makes another from it, by which everything runs on the build's own platform and only files
        are of the target's; the image starts an init process as uid 1001, has a health check, no compilers and no setuid.
    type: str
    choices: [upstream, optimised]
  build_on_target:
    description:
      - Python packages that V(optimised) compiles on the image's own platform, under emulation where no node is native.
        Those that have wheels for other platforms alone are found in the project's lock. This is for those that have no wheel
        at all and are not Python alone.
    type: list
    elements: str
  target:
    description: Stage to build. The last one by default.
    type: str
  platforms:
    description: Platforms such as C(linux/arm64).
    type: list
    elements: str
  args:
    description:
      - Build args. They stay in the image's history, so one that looks like a secret is refused; see O(secrets).
    type: dict
  contexts:
    description:
      - Named contexts by name. An absolute folder, C(docker-image://reference), C(oci-layout://folder@digest) or a Git URL
        that ends in C(#commit).
    type: dict
  base_images:
    description:
      - References to use in place of images that the Dockerfile names in C(FROM), C(COPY --from) or C(RUN --mount=from=).
      - With or without an entry here, each base is resolved to a digest, and exactly that digest is built on.
    type: dict
  locked_bases:
    description:
      - Digests of bases by their reference (after O(base_images)), as RV(images[].bases) returns them. What is not in it is
        asked of its registry.
    type: dict
  context_files:
    description:
      - Files put into the context, or in the place of some that are there, before anything else reads it. They count as the
        context's own do.
    type: list
    elements: dict
    suboptions:
      path:
        description: Where, in the context.
        type: str
        required: true
      src:
        description: File on the host.
        type: path
      content:
        description: Its text.
        type: str
  replacements:
    description: Texts in files of the context to be replaced, such as a default that a source has no setting for.
    type: list
    elements: dict
    suboptions:
      path:
        description: The file, in the context.
        type: str
        required: true
      before:
        description: What stands there, exactly once.
        type: str
        required: true
      after:
        description: What is to stand there.
        type: str
        required: true
  apt_pins:
    description:
      - What to do with versions that the Dockerfile asks of apt (C(package=version)). Archives keep only the newest, so
        that a pinned build stops working one day.
      - V(keep) (default) changes nothing. V(relax) takes what the archive has now. V(snapshot) takes packages from Debian's
        archive as it was at O(source_date_epoch).
    type: str
    choices: [keep, relax, snapshot]
  build_env:
    description: Environment variables of C(RUN) instructions, and not of the image. They count.
    type: dict
  mirrors:
    description:
      - Where C(RUN) instructions download from. Nothing of it stays in the image, and it does not count.
      - Keys are V(pip) (a simple index, also for uv and Poetry), V(pip_files) (where that index keeps its files,
        C(packages) beside it by default), V(npm) (also for yarn, pnpm and corepack), V(apt) (what stands before
        C(/debian), C(/debian-security) and C(/ubuntu)), V(apt_snapshot), V(apk) (before C(/alpine)), V(node), V(go), V(nltk),
        V(tiktoken), and V(preset), which is V(cn).
    type: dict
  proxy:
    description:
      - Proxy of C(RUN) instructions, by V(http), V(https) and V(no_proxy). Nothing of it stays in the image; does not
        count.
    type: dict
  ca_bundle:
    description:
      - File on the host with certificates in PEM, which C(RUN) instructions trust beside those of their base. Nothing of it
        stays in the image; does not count.
    type: path
  secrets:
    description: Build secrets for C(RUN --mount=type=secret). Their values do not count, and appear nowhere.
    type: list
    elements: dict
    suboptions:
      id:
        description: Id of the secret.
        type: str
        required: true
      src:
        description: File on the host that holds it.
        type: path
      env:
        description: Environment variable on the host that holds it.
        type: str
      value:
        description: The secret itself.
        type: str
      version:
        description: Counts as an input. Raise it when the secret's change must lead to a new image.
        type: str
  ssh:
    description: Agents or keys for C(RUN --mount=type=ssh), such as C(default) or C(id=/key). Only the ids count.
    type: list
    elements: str
  labels:
    description: Labels of the image. All but revision and creation time count.
    type: dict
  annotations:
    description: Annotations of the manifests and the index.
    type: dict
  version:
    description: Label C(org.opencontainers.image.version).
    type: str
  revision:
    description: Label C(org.opencontainers.image.revision). Does not count unless O(exact_revision=true).
    type: str
  source:
    description: Label C(org.opencontainers.image.source), an address, which loses a user and password. Does not count.
    type: str
  created:
    description: Label C(org.opencontainers.image.created), RFC 3339. Does not count.
    type: str
  cache_from:
    description: Caches to import, such as C(type=registry,ref=localhost:5000/cache:api). One that is missing is no failure.
    type: list
    elements: str
  cache_to:
    description: Caches to export. A failing export warns and does not fail the build, unless it says C(ignore-error=false).
    type: list
    elements: str
  registry_cache:
    description:
      - Keep all steps of the build beside the image, under C(cache-<recipe>-<platform>), and take from there what a builder has
        not done itself. A cache that is missing, broken or refused never fails a build. V(false) by default.
    type: bool
  provenance:
    description: SLSA provenance attestation. V(max) by default, which also tells how many steps were emulated.
    type: str
    choices: [max, min, none]
  sbom:
    description: Reference of an image that generates an SBOM attestation, or V(default) for BuildKit's own.
    type: str
  network:
    description: Network of C(RUN) instructions. V(default) by default.
    type: str
    choices: [default, none, host]
  source_date_epoch:
    description: Seconds since 1970 for the image's creation time and, with drivers that can, all files in its layers.
    type: int
  reproducible:
    description: Fail when the builder cannot rewrite timestamps, as the C(docker) driver cannot. V(false) by default.
    type: bool
  output:
    description:
      - V(registry) (default), V(engine) for the Docker Engine of the host, or V(oci_layout) for a folder.
      - V(engine) with several platforms needs an engine with the containerd image store.
    type: str
    choices: [registry, engine, oci_layout]
  output_path:
    description: The folder for O(output=oci_layout).
    type: path
  rebuild:
    description:
      - V(changed) (default) builds what is missing.
      - V(always) builds without cache, beside what is there, under C(fp-…-r2) and so on.
      - V(never) fails when something would have to be built.
    type: str
    choices: [changed, always, never]
  max_age:
    description:
      - Age after which an image is built again without cache, so that updates arrive; a number and C(h), C(d) or C(w).
      - Ages are counted in periods since 1970, so that all hosts agree.
    type: str
  exact_revision:
    description: Let the revision count. V(false) by default.
    type: bool
  compare_to:
    description: Reference whose record of inputs the reasons are told against, such as the tag that people use.
    type: str
  builder:
    description: The buildx builder. It is only asked when something has to be built.
    type: str
    default: default
  max_parallel:
    description:
      - How many builds run at once on each node. By default one for every 4 GiB of its memory, or of what O(builder) limits
        it to, and one where nobody can be asked, as with a daemon of the driver C(remote) on another machine.
    type: int
  unreachable_nodes:
    description:
      - What a node of O(builder) that cannot be reached means.
      - With V(fail), the error names it when it is needed for a platform.
      - With V(skip), a warning names it, and its platforms are built elsewhere, under emulation where no other node is native.
    type: str
    choices: [fail, skip]
    default: fail
notes:
  - Needs buildx 0.13 or newer.
  - Builds of the same inputs on one host wait for each other. Across hosts, whoever sets the C(fp-) tag first wins, and the
    other reports RV(images[].platforms[].double_build).
  - With several nodes, a platform is built by the node that declares it, else by one that is native to it, else by any other,
    under emulation. RV(images[].platforms[].node) and RV(images[].platforms[].native) tell.
  - A single local C(docker-container) builder needs C(network=host) for a registry on loopback.
seealso:
  - module: imagefleet.dify.image_promote
  - module: imagefleet.dify.image_smoke_test
  - module: imagefleet.dify.buildx_builder
"""

EXAMPLES = r"""
- name: Build an image for two platforms from a folder
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: /srv/dify/api
    platforms: [linux/amd64, linux/arm64]

- name: Build two images from one commit, on bases from a mirror
  imagefleet.dify.image_build:
    commit: "{{ source.head }}"
    revision: "{{ source.commit }}"
    version: "{{ source.version }}"
    platforms: [linux/amd64]
    base_images:
      python:3.11-slim-bookworm: localhost:5000/bases/python:3.11-slim-bookworm
      node:20-bookworm-slim: localhost:5000/bases/node:20-bookworm-slim
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: "{{ source.path }}/api"
      - name: web
        repository: localhost:5000/dify/dify-web
        context: "{{ source.path }}/web"
        args:
          NEXT_PUBLIC_BASE_PATH: /ai

- name: Build with a secret that is in the environment of the host
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: /srv/dify/api
        platforms: [linux/amd64]
        secrets:
          - id: index_password
            env: INDEX_PASSWORD
            version: "2026-11"
  environment:
    INDEX_PASSWORD: "{{ vault_index_password }}"

- name: Write an image into an OCI layout
  imagefleet.dify.image_build:
    images:
      - name: api
        repository: localhost:5000/dify/dify-api
        context: /srv/dify/api
        platforms: [linux/amd64]
        output: oci_layout
        output_path: /srv/bundle/api
"""

RETURN = r"""
images:
  description: The images, in the order of the option.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the image.
      type: str
    reference:
      description:
        - Repository, fingerprint tag and digest. In check mode, and for what is still to be built, without the digest.
      type: str
      sample: localhost:5000/dify/dify-api:fp-5d1c…@sha256:0f3a…
    digest:
      description: Digest of the index. Missing in check mode when the image is to be built.
      type: str
    fingerprint:
      description: Hash of the fingerprints of all platforms.
      type: str
    built:
      description: Whether a platform was built, or would be.
      type: bool
    merged:
      description: Whether the index of all platforms was made, or would be.
      type: bool
    reasons:
      description: Why it was built.
      type: list
      elements: str
      sample: ["context api: 1 file changed: app.py"]
    revision:
      description: The revision that the image carries, when it has one. With the same inputs, it may be an older one.
      type: str
    reproducible:
      description: Whether timestamps of layers were set to O(source_date_epoch). Only when the image was built.
      type: bool
    log:
      description: The last lines of the builds, by platform. Empty when nothing was built.
      type: str
    platforms:
      description: The platforms, in the order of the option.
      type: list
      elements: dict
      contains:
        platform:
          description: The platform.
          type: str
        digest:
          description: Digest of its manifest.
          type: str
        size:
          description: Compressed bytes of its configuration and layers. Only when it was built.
          type: int
        fingerprint:
          description: Fingerprint of its inputs.
          type: str
        built:
          description: Whether it was built, or would be.
          type: bool
        reasons:
          description: Why.
          type: list
          elements: str
        executed_steps:
          description: Instructions that ran. Only when it was built.
          type: int
        cached_steps:
          description: Instructions taken from the cache. Only when it was built.
          type: int
        compiled_packages:
          description:
            - Python packages that have no wheel for the platform, so that O(images[].recipe) V(optimised) compiles them there.
          type: list
          elements: str
          sample: ["gmpy2==2.2.1"]
        emulated_steps:
          description: Of the executed, those for a platform foreign to the node; null where BuildKit does not say.
          type: int
        node:
          description: The builder's node that built it, or would. Only when it is to be built.
          type: str
        native:
          description: Whether that node needs no emulator for the platform; null where BuildKit does not say.
          type: bool
        duration:
          description: Seconds from the first step's start to the last one's end.
          type: float
        double_build:
          description: Whether somebody else built the same inputs meanwhile. Theirs is used.
          type: bool
    bases:
      description: The images that it is built on, with the frontend of a C(# syntax=) line when that is an image.
      type: list
      elements: dict
      contains:
        name:
          description: As the Dockerfile says it.
          type: str
          sample: python:3.12-slim-bookworm
        reference:
          description: What is built on in its place.
          type: str
          sample: registry.example.com/mirror/python:3.12-slim-bookworm
        digest:
          description: What that points at, or what O(images[].locked_bases) says.
          type: str
    apt_pins:
      description: Versions that the Dockerfile asks of apt and that O(images[].apt_pins) took away, or from a snapshot.
      type: list
      elements: str
      sample: ["zlib1g=1:1.2.13.dfsg-1"]
failed_builds:
  description: The builds that failed, with platform, step, cause where it is known, and log.
  type: list
  elements: dict
  returned: when a build failed
"""

import os
import time
from functools import lru_cache
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.spec import BUILDX_SPEC, buildx_client
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_session import BuildSession
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import BUILD_SPEC
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import READ_ANY_OWNERS, open_context
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import image_requests
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import resolve_image
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.spec import REGISTRIES_SPEC, registry_client


def run(module: AnsibleModule) -> dict[str, Any]:
    requests = image_requests(module.params)
    # Passwords of mirrors and proxies stand in addresses, which no option can mark as secret.
    module.no_log_values.update(password for request in requests for password in request.run_environment.passwords)
    client = registry_client(module.params)
    git = Cli(module.run_command, "git", READ_ANY_OWNERS)
    digest_of = lru_cache(maxsize=None)(client.find_digest)
    resolved = [
        resolve_image(request, lambda path, commit: open_context(path, commit, git), digest_of, time.time())
        for request in requests
    ]
    with task_workspace(module.tmpdir, "image-build") as workspace:
        session = BuildSession(
            module.params, lambda: buildx_client(module), openssl_cli(module.run_command), client, workspace
        )
        plans = session.plan(resolved)
        if module.check_mode:
            return session.predicted(plans)
        return session.carry_out(resolved, plans)


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **BUILD_SPEC.merge(BUILDX_SPEC, REGISTRIES_SPEC).to_kwargs())
    # What the build writes must not depend on the user's umask.
    os.umask(0o022)
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
