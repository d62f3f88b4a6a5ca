#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_users
short_description: Who may come in to a registry
version_added: 0.1.0
description:
  - Makes the file of names and passwords that nginx lets people in by. Passwords are hashed with bcrypt.
  - The file holds just the users given. A hash that is one of the password given stays as it is.
author:
  - The imagefleet.dify maintainers (@imagefleet)
requirements:
  - htpasswd on the host (the package apache2-utils)
attributes:
  check_mode:
    support: full
    description: Says whose password would be written, and writes none.
  diff_mode:
    support: full
    description: Shows names. Neither passwords nor hashes are in it.
options:
  path:
    description: The file.
    type: path
    required: true
  users:
    description: Who may come in.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the user. Two that differ in nothing but case are refused, as nginx tells them apart only in part.
        type: str
        required: true
      password:
        description: The password, of at most 72 bytes.
        type: str
        required: true
  group:
    description: Group whose members may read the file. Without it only its owner may.
    type: str
seealso:
  - module: imagefleet.dify.certificate
"""

EXAMPLES = r"""
- name: Let a build host and the deployments in
  imagefleet.dify.registry_users:
    path: "{{ folder }}/users.htpasswd"
    users:
      - {name: ci, password: "{{ vault_ci_password }}"}
      - {name: dify, password: "{{ vault_dify_password }}"}
"""

RETURN = r"""
kept:
  description: Users whose password was in the file already.
  type: list
  elements: str
  returned: success
made:
  description: Users whose password is written.
  type: list
  elements: str
  returned: success
removed:
  description: Names that were in the file and are not wanted.
  type: list
  elements: str
  returned: success
"""

import grp
import os
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import lock_on
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole
from ansible_collections.imagefleet.dify.plugins.module_utils._registry.htpasswd import Htpasswd
from ansible_collections.imagefleet.dify.plugins.module_utils._registry.password_file import (
    check_users,
    format_password_file,
    parse_password_file,
    plan_users,
)

SPEC = ArgumentSpec(
    options={
        "path": {"type": "path", "required": True, "no_log": False},
        "users": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
            },
        },
        "group": {"type": "str"},
    }
)


def run(module: AnsibleModule) -> dict[str, Any]:
    with lock_on(module.params["path"], not module.check_mode):
        return let_in(module)


def let_in(module: AnsibleModule) -> dict[str, Any]:
    """Just the users that are wanted."""
    path, users = module.params["path"], module.params["users"]
    check_users(users)
    group, mode = _group(module.params["group"]), 0o640 if module.params["group"] else 0o600
    passwords = {user["name"]: user["password"] for user in users}
    htpasswd = Htpasswd(Cli(module.run_command, "htpasswd", provided_by="the package apache2-utils"))
    found = _read(path)
    fitting = [name for name in passwords if name in found and htpasswd.fits(path, name, passwords[name])]
    plan = plan_users(list(passwords), list(found), fitting)
    access = _access(path, mode, group)
    changed = bool(plan.made or plan.removed or access)
    if changed and not module.check_mode:
        hashes = {
            name: htpasswd.hash_of(name, passwords[name]) if name in plan.made else found[name] for name in passwords
        }
        write_whole(path, format_password_file(hashes), mode, group)
    return {
        "changed": changed,
        "kept": list(plan.kept),
        "made": list(plan.made),
        "removed": list(plan.removed),
        "diff": {
            "before": {"users": list(found), **access},
            "after": {"users": list(passwords), "written": list(plan.made), **({"mode": oct(mode)} if access else {})},
        },
    }


def _group(name: str | None) -> int | None:
    if name is None:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise MissingPrerequisite(
            f"There is no group {name} on this host (group). Make it, or leave the option out.",
            task="what makes the group",
        ) from None


def _read(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            return parse_password_file(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path} cannot be read: {getattr(error, 'strerror', error)}.") from error


def _access(path: str, mode: int, group: int | None) -> dict[str, str]:
    """What of a file's access is not as wanted; nothing for one that is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return {"file": "absent"}
    wrong = stat.S_IMODE(found.st_mode) != mode or group not in (None, found.st_gid)
    return {"mode": oct(stat.S_IMODE(found.st_mode)), "group": str(found.st_gid)} if wrong else {}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
