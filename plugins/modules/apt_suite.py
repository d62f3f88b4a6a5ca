#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_suite
short_description: Packages come from another suite of the distribution, and nothing else does
version_added: 0.1.0
description:
  - Adds a suite of the host's own mirror, keeps its packages out, and pins those of O(packages) to it, so that no other
    package of the host is ever upgraded from there. It installs nothing, and says what is missing.
  - A suite that nobody has added is added when one of the packages is missing. What was added once is kept right for good.
  - A suite that somebody else configured keeps its entry and its priority.
author:
  - The imagefleet.dify maintainers (@imagefleet)
options:
  packages:
    description: Names of packages.
    type: list
    elements: str
    required: true
  suite:
    description:
      - Codename of the suite that they come from, such as V(trixie).
      - Without it, or with that of O(release), they are the distribution's own. Suites that were added before are still kept
        out when one is missing, as what is installed next would come from one that lost its pin, with half of that suite behind
        it.
    type: str
    default: ""
  release:
    description: Codename of the distribution's release that the host runs; its entry names the mirror.
    type: str
    required: true
  check_valid_until:
    description: Whether apt refuses the suite when its release file is older than it says it may be, as on mirrors that lag.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The plan is what check mode returns.
  diff_mode:
    support: full
    description: Shows the files.
seealso:
  - module: ansible.builtin.apt
  - module: ansible.builtin.deb822_repository
"""

EXAMPLES = r"""
- name: Take a package from a newer suite
  imagefleet.dify.apt_suite:
    packages: [docker.io, docker-cli]
    suite: forky
    release: "{{ ansible_facts['distribution_release'] }}"
  register: engine
  check_mode: true

- name: Show what is to be installed
  ansible.builtin.debug:
    msg: "{{ engine.missing | join(', ') }}"
"""

RETURN = r"""
missing:
  description: Those of O(packages) that are not installed, in their order.
  returned: success
  type: list
  elements: str
  sample: [docker-cli]
files:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/apt/preferences.d/imagefleet-forky-docker.io.pref]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._apt.configuration import AptConfiguration
from ansible_collections.imagefleet.dify.plugins.module_utils._apt.packages import INSTALLED, package_states
from ansible_collections.imagefleet.dify.plugins.module_utils._apt.suite import (
    SOURCES,
    check_suite,
    is_foreign,
    kept_out,
    keyring_of,
    own_target,
    pinned,
    source,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import lock_on
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec

SPEC = ArgumentSpec(
    options={
        "packages": {"type": "list", "elements": "str", "required": True},
        "suite": {"type": "str", "default": ""},
        "release": {"type": "str", "required": True},
        "check_valid_until": {"type": "bool", "default": False},
    }
)


def wanted_files(apt: AptConfiguration, params: dict[str, Any], missing: list[str]) -> dict[str, str]:
    """The files that shall be there, with their texts."""
    suite, release = params["suite"], params["release"]
    files: dict[str, str] = {}
    added = apt.added_suites()
    if missing:
        for other in added:
            files |= kept_out(other)
    if suite in ("", release) or not (missing or suite in added):
        return files
    files |= pinned(suite, params["packages"])
    targets = apt.targets()
    if not is_foreign(suite, targets):
        own = own_target(targets, release)
        if own is None:
            raise CollectionError(
                f"The apt sources of this host have no entry for {release}, so the mirror that serves {suite} is unknown. Add "
                f"one to {SOURCES}, or take the packages from elsewhere."
            )
        keyring = keyring_of(apt.read(own.file) or "")
        # The suite is last: a run that is killed before leaves pins of what is not there, which do nothing.
        files |= kept_out(suite) | source(suite, own.uri, keyring, params["check_valid_until"])
    return files


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, write."""
    params = module.params
    if params["suite"]:
        check_suite(params["suite"])
    if not params["packages"]:
        raise CollectionError("packages is empty. Name those that the suite is for.")
    apt = AptConfiguration(module.run_command)
    with lock_on(SOURCES, not module.check_mode):
        states = package_states(module.run_command, params["packages"])
        missing = [name for name, state in states.items() if state != INSTALLED]
        wanted = wanted_files(apt, params, missing)
        differing = apt.differing(wanted)
        if not module.check_mode:
            apt.write({path: wanted[path] for path in differing})
    return {
        "changed": bool(differing),
        "missing": missing,
        "files": list(differing),
        "diff": [
            {"before_header": path, "after_header": path, "before": text or "", "after": wanted[path]}
            for path, text in differing.items()
        ],
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
