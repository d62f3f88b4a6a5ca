#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: binfmt_info
short_description: Tell which emulators are registered, and whether they work
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Reads the emulators that the kernel (C(binfmt_misc)) has for platforms of images, and runs a program of a few bytes
    for each platform to see whether and by what it is run.
  - Registrations for other things, such as Python bytecode, are left out.
options:
  platforms:
    description:
      - Tell only about these platforms, such as V(linux/arm64). By default about every platform that images have.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
notes:
  - It works without root, but then proves emulators with the host's files around, not in an empty root directory.
seealso:
  - module: imagefleet.dify.binfmt
"""

EXAMPLES = r"""
- name: Look at all emulators
  imagefleet.dify.binfmt_info:
  register: emulators

- name: Ask whether this host can run an image
  imagefleet.dify.binfmt_info:
    platforms: [linux/arm64]
  register: arm64
"""

RETURN = r"""
emulators:
  description: The registered emulators, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the registration.
      type: str
      sample: qemu-aarch64
    platform:
      description: The platform whose programs it is handed.
      type: str
      sample: linux/arm64
    interpreter:
      description: The path that was registered.
      type: str
      sample: /usr/libexec/qemu-binfmt/aarch64-binfmt-P
    flags:
      description: Its flags in the kernel's order.
      type: str
      sample: POCF
    enabled:
      description: Whether it is switched on.
      type: bool
      sample: true
    fixed:
      description: Whether it has the flag C(F), so that containers can use it.
      type: bool
      sample: true
    qemu_version:
      description: The version of the QEMU that runs the platform's programs; null when it is not QEMU or nothing runs.
      type: str
      sample: 10.0.13
    works:
      description: Whether a program of the platform ran, emulated.
      type: bool
      sample: true
    problem:
      description: Why it did not run; null when it did.
      type: str
      sample: null
platforms:
  description: Every platform asked about, and how it runs here.
  returned: success
  type: list
  elements: dict
  contains:
    platform:
      description: The platform, normalised.
      type: str
      sample: linux/amd64
    native:
      description: Whether it runs without an emulator.
      type: bool
      sample: true
    works:
      description: Whether its programs run at all.
      type: bool
      sample: true
    problem:
      description: Why they do not run; null when they do.
      type: str
      sample: null
mounted:
  description: Whether C(/proc/sys/fs/binfmt_misc) is mounted.
  returned: success
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES, architecture_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.host import BinfmtHost
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import qemu_version_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Proof
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms

BINFMT_INFO_SPEC = ArgumentSpec(options={"platforms": {"type": "list", "elements": "str"}})


def describe_emulator(registration: Registration, platform: str, proof: Proof) -> dict[str, Any]:
    """One registration as the module returns it."""
    return {
        "name": registration.name,
        "platform": platform,
        "interpreter": registration.interpreter,
        "flags": registration.flags,
        "enabled": registration.enabled,
        "fixed": registration.fixed,
        "qemu_version": qemu_version_of(proof.build),
        "works": registration.enabled and proof.works and not proof.native,
        "problem": proof.problem,
    }


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read and describe."""
    names = module.params["platforms"]
    platforms = parse_platforms([f"linux/{name}" for name in ARCHITECTURES] if names is None else names)
    host = BinfmtHost(module.run_command, module.tmpdir)
    proofs = {platform: host.prove(architecture_of(platform)) for platform in platforms}
    registrations = host.registrations()
    return {
        "changed": False,
        "mounted": host.mounted(),
        "emulators": [
            describe_emulator(registration, str(platform), proof)
            for registration in registrations
            for platform, proof in proofs.items()
            if registration.matches(architecture_of(platform).magic)
        ],
        "platforms": [
            {"platform": str(platform), "native": proof.native, "works": proof.works, "problem": proof.problem}
            for platform, proof in proofs.items()
        ],
    }


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **BINFMT_INFO_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
