#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: source_checkout
short_description: Hold a source at a tag, branch or commit, patched or not
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Brings O(dest) to hold O(repo) at O(ref), in a work tree of its own for each commit, so that a build is not disturbed
    by another checkout. O(patches) become a commit on top.
  - The same source and patches give the same commit and tree ids on every host.
  - Nobody's Git configuration is read, neither the user's nor the system's (so no C(url.insteadOf), use O(mirrors)),
    no hooks and filters are run, and line ends are left alone. Files of Git LFS stay pointers, and submodules stay empty
    folders.
  - How servers are reached is the host's business. Proxies (C(https_proxy)) and the CA bundle (C(GIT_SSL_CAINFO)) are
    taken from the task's C(environment), and so is the user's ssh configuration.
  - Git never asks for anything.
options:
  repo:
    description:
      - The repository. A URL (C(https), C(http), C(ssh), C(git), C(file)), C(user@host:path), or the absolute path of a
        folder on the managed host. Also a bundle (C(*.bundle)), or an archive (see O(archive)), by path or URL.
      - A folder's repository is only read. What is not committed in it is left out, with a warning; see O(allow_dirty).
      - User info in an HTTP(S) URL is used as O(username) and O(password), and is nowhere shown.
    type: str
  archive:
    description:
      - An archive in place of a repository. Tar (plain, gzip, bzip2, xz) or zip, by absolute path or URL, with
        O(checksum). When both are given, O(repo) is not used.
      - It has no history, and is imported as one commit with a fixed author and date, that depends on the contents
        alone. One folder around everything is left out, as GitHub packs it.
      - The tree is the same as that of the commit that the archive was made of, unless that has submodules, or
        attributes that change archives.
    type: str
  checksum:
    description:
      - What the archive or bundle must have, such as V(sha256:<64 hex>), or the digits alone. SHA-256, SHA-384 and
        SHA-512 are taken. Required for an archive.
    type: str
  mirrors:
    description:
      - Other places of the same source, of the same kind, tried in this order after O(repo) when it does not answer,
        lacks the ref, or has another O(commit) under it. To try a mirror first, give it as O(repo).
      - O(username) and O(password) are not sent to other servers.
    type: list
    elements: str
  ref:
    description:
      - A tag, a branch, a full name such as V(refs/pull/1/head), or a commit of 40 digits. A tag comes before a branch of
        the same name. By default O(commit), else the default branch.
      - For an archive just the name of the version.
    type: str
  commit:
    description:
      - The commit (40 digits) that O(ref) must be; a source where it is another one is refused, as after a tag was moved.
      - A commit that is in O(dest) already needs no network. With O(ref) too, the ref must have been found there at that
        commit before.
      - For an archive, the commit that the archive says it was made of (C(git archive) writes it), or the imported one.
    type: str
  dest:
    description:
      - A folder that the module owns, made when missing. Required unless O(allow_dirty).
      - A folder with something in it that is not the module's is refused.
      - It holds a bare repository (C(repository.git)) and a work tree for each commit (C(worktrees/<12 digits>)). A work
        tree that differs from its commit is put back. Remove work trees that are not needed any more as you like.
    type: path
  patches:
    description:
      - Patches to apply in this order, as C(git diff) or C(git format-patch) writes them. Each is an absolute path on the
        managed host, or the text itself when it holds a newline.
      - They become one commit with a fixed author and date, RV(head). RV(commit) stays the source's own.
    type: list
    elements: str
  depth:
    description:
      - How many commits of history to fetch. By default all.
      - It is for what is fetched into a new or shallow O(dest). A history that is there is not cut.
    type: int
  sparse:
    description:
      - Files and folders to check out, relative to the source's root. By default all.
      - RV(head) and RV(tree) are those of the whole commit, and the repository holds all of it.
    type: list
    elements: str
  verify_keys:
    description:
      - Keys of which one must have signed the tag or the commit. Each is the text or the path of OpenPGP public keys, of ssh
        public keys, or of C(allowed_signers) lines (L(ssh-keygen, https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS)).
      - The keys are kept in a keyring of their own that is removed afterwards. The user's own keys do not count.
    type: list
    elements: str
  allow_dirty:
    description:
      - Take the folder O(repo) by its content as it is, in place. Nothing is written to it, and O(dest) is not used.
      - With changes that are not committed RV(version) ends in C(+dirty), and O(ref) must not name a release.
    type: bool
    default: false
  username:
    description:
      - For a server that asks for it by HTTP(S). It reaches Git by its environment, and is stored nowhere.
    type: str
  password:
    description:
      - The password or token of O(username).
    type: str
  key_file:
    description:
      - Private key for ssh, without a passphrase. By default those that ssh finds.
    type: path
  known_hosts:
    description:
      - File with the keys of ssh servers, which are then required. By default the user's.
    type: path
  timeout:
    description:
      - Seconds in which a source must answer what refs it has. A fetch has no limit, but one by HTTP(S) that stands still
        for a minute fails.
    type: int
    default: 60
requirements:
  - git 2.34 or newer
  - gpg, for OpenPGP keys in O(verify_keys); ssh-keygen for ssh keys
attributes:
  check_mode:
    support: full
    description:
      - Sources are asked for their refs, and nothing is fetched from repositories. Archives and bundles are downloaded
        into a temporary folder. Before a repository's commit is in O(dest), its tree is not known.
  diff_mode:
    support: full
    description: Shows the commit before and after.
seealso:
  - module: imagefleet.dify.image_build
"""

EXAMPLES = r"""
- name: Hold a release, with a mirror in reserve
  imagefleet.dify.source_checkout:
    repo: https://git.example.com/dify.git
    mirrors: [https://mirror.example.com/dify.git]
    ref: 0.15.3
    depth: 1
    dest: /var/lib/imagefleet/source/dify
  register: source

- name: Hold exactly this commit, with a patch; from the second run on without the network
  imagefleet.dify.source_checkout:
    repo: https://git.example.com/dify.git
    ref: 0.15.3
    commit: 513b75d0ab41f8de67ca8d84f6071402d34a5352
    patches: [/etc/imagefleet/patches/locale.patch]
    dest: /var/lib/imagefleet/source/dify

- name: Take an archive, where no Git server is in reach
  imagefleet.dify.source_checkout:
    archive: /srv/transfer/dify-0.15.3.tar.gz
    checksum: sha256:fed3b7fcc55a4d3ab4b3b6bbd10f3dcb6d1a4f5a6ea9ae3b27b64f1f5e5ea9f1
    ref: 0.15.3
    dest: /var/lib/imagefleet/source/dify

- name: Only take a tag that one of these keys has signed
  imagefleet.dify.source_checkout:
    repo: git@git.example.com:team/dify.git
    key_file: /etc/imagefleet/deploy_key
    known_hosts: /etc/imagefleet/known_hosts
    ref: 1.0.0
    verify_keys: [/etc/imagefleet/release.asc]
    sparse: [api, docker]
    dest: /var/lib/imagefleet/source/fork

- name: Use the folder that I am working in
  imagefleet.dify.source_checkout:
    repo: /home/me/dify
    allow_dirty: true
"""

RETURN = r"""
commit:
  description:
    - The source's own commit, before patches. Of an archive the one that it was imported as; null for a folder without
      commits.
  returned: success, unless RV(unknown)
  type: str
  sample: 513b75d0ab41f8de67ca8d84f6071402d34a5352
head:
  description:
    - The commit that is checked out. RV(commit), or with O(patches) the patched one. Null for a dirty folder.
    - To build this commit's files whatever the work tree holds, give it to M(imagefleet.dify.image_build) as C(commit).
  returned: success, in check mode when it is known
  type: str
  sample: 513b75d0ab41f8de67ca8d84f6071402d34a5352
tree:
  description: The id of the tree of RV(head).
  returned: success, unless RV(dirty), in check mode when the commit is there
  type: str
  sample: 262ad30311962cd8d54d0d8b523a792e702bc1c5
trees:
  description: The tree ids of the top-level folders of RV(head).
  returned: as RV(tree)
  type: dict
  sample: {"api": "0f3d2c7c3b6ac1b7f2f1c3cf9d7eaf4a7a8b9c0d", "web": "9b1f6a0e1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f"}
commit_time:
  description: The committer's date of RV(commit), in seconds since 1970, as C(SOURCE_DATE_EPOCH) has it.
  returned: success, in check mode when the commit is there
  type: int
  sample: 1736899200
commit_date:
  description: The same as RFC 3339 writes it, in UTC.
  returned: as RV(commit_time)
  type: str
  sample: "2025-01-15T00:00:00Z"
recorded_commit:
  description: The commit that an archive says it was made of; null when it does not, and for other sources.
  returned: success, unless O(allow_dirty)
  type: str
ref:
  description: The ref's short name.
  returned: success, unless a folder has no commit
  type: str
  sample: 0.15.3
ref_kind:
  description: What O(ref) is. V(ref) stands for a full name that is neither tag nor branch.
  returned: success, unless a folder has no commit
  type: str
  choices: [tag, branch, commit, ref, archive]
  sample: tag
version:
  description: The tag's name, C(branch-commit) or the commit, with 12 digits of it; C(+dirty) at the end for a dirty folder.
  returned: success, unless RV(unknown)
  type: str
  sample: 0.15.3
path:
  description: The work tree, or the folder with O(allow_dirty).
  returned: success, in check mode when it is known
  type: str
  sample: /var/lib/imagefleet/source/dify/worktrees/513b75d0ab41
dirty:
  description: Whether the folder has changes that are in no commit.
  returned: success, unless RV(unknown)
  type: bool
  sample: false
source:
  description: The address that the commit was found at, without user info; null when none had to be asked.
  returned: success, unless RV(unknown)
  type: str
  sample: https://git.example.com/dify.git
failures:
  description: What was wrong with the addresses before it, or with all of them.
  returned: success, unless RV(unknown), and when all failed
  type: list
  elements: str
  sample: ["https://git.example.com/dify.git: it does not answer within 60 seconds"]
signature:
  description: The signature that O(verify_keys) demanded.
  returned: success with O(verify_keys), in check mode when the commit is there
  type: dict
  contains:
    format:
      description: V(gpg) or V(ssh).
      type: str
      sample: gpg
    key:
      description: The fingerprint of the primary key.
      type: str
      sample: 773FD4A3D0BDE2FD2C08CA5ECA39D8AC08B3AFA8
    signer:
      description: Whose key it is, as the key says.
      type: str
      sample: Release <release@example.com>
    of:
      description: What is signed, V(tag) or V(commit).
      type: str
      sample: tag
reasons:
  description: Why something changed, one sentence each.
  returned: success, unless RV(unknown)
  type: list
  elements: str
  sample: ["tag 0.15.3 (513b75d0ab41f8de67ca8d84f6071402d34a5352) is not in /var/lib/imagefleet/source/dify"]
unknown:
  description: Nothing can be predicted before another task has run, which RV(msg) names.
  returned: in check mode, when git, a patch or a key is missing
  type: bool
  sample: true
msg:
  description: What is missing or wrong, and what to do.
  returned: when RV(unknown), or failed
  type: str
  sample: "No source has v0.15.3: https://git.example.com/dify.git: it has no ref v0.15.3, but has 0.15.3."
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import task_workspace
from ansible_collections.imagefleet.dify.plugins.module_utils._git.checkout import Checkout
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import GitClient
from ansible_collections.imagefleet.dify.plugins.module_utils._git.destination import Destination
from ansible_collections.imagefleet.dify.plugins.module_utils._git.environment import (
    config_file,
    git_environment,
    remove_inherited,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.folder import read_folder, uncommitted
from ansible_collections.imagefleet.dify.plugins.module_utils._git.request import CheckoutRequest, checkout_request

CHECKOUT_SPEC = ArgumentSpec(
    options={
        "repo": {"type": "str"},
        "archive": {"type": "str"},
        "checksum": {"type": "str"},
        "mirrors": {"type": "list", "elements": "str"},
        "ref": {"type": "str"},
        "commit": {"type": "str"},
        "dest": {"type": "path"},
        "patches": {"type": "list", "elements": "str"},
        "depth": {"type": "int"},
        "sparse": {"type": "list", "elements": "str"},
        "verify_keys": {"type": "list", "elements": "str", "no_log": False},
        "allow_dirty": {"type": "bool", "default": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "key_file": {"type": "path", "no_log": False},
        "known_hosts": {"type": "path"},
        "timeout": {"type": "int", "default": 60},
    },
    required_one_of=(("repo", "archive"),),
    required_by={"password": ("username",)},
)


def git_client(module: AnsibleModule, request: CheckoutRequest, workspace: str) -> GitClient:
    """Git with an environment and a configuration of this run's own."""
    config = os.path.join(workspace, "config")
    with open(config, "w", encoding="utf-8") as file:
        file.write(config_file(request.sources, os.path.join(workspace, "keyring", "allowed_signers")))
    environment = git_environment(config, request.sources, request.ssh, os.environ)
    return GitClient(Cli(module.run_command, "git", environment), request.timeout)


def run(module: AnsibleModule) -> dict[str, Any]:
    request = checkout_request(module.params)
    # A password in a URL is a secret that Ansible does not know of yet.
    module.no_log_values.update(request.secrets)
    with task_workspace(module.tmpdir, "source-checkout") as workspace:
        git = git_client(module, request, workspace)
        git.require_version()
        if request.allow_dirty:
            return read_folder(git, request)
        destination = Destination(request.dest or "")
        destination.require_ours()
        checkout = Checkout(git, request, destination, workspace)
        if module.check_mode:
            result = checkout.predict()
        else:
            with destination.locked():
                result = checkout.carry_out()
        for warning in (*result["failures"], *uncommitted(git, request)):
            module.warn(warning)
        return result


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **CHECKOUT_SPEC.to_kwargs())
    # What is checked out must not depend on the user's umask, nor on variables of a surrounding Git.
    os.umask(0o022)
    remove_inherited(os.environ)
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
