#!/usr/bin/python
# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: binfmt
short_description: Register emulators, so that images of other platforms can be built and run
version_added: 0.1.0
author:
  - The imagefleet.dify maintainers (@imagefleet)
description:
  - Registers QEMU's user-mode emulators with the kernel (C(binfmt_misc)) for the given platforms.
  - Each registration has the flag C(F), so that the emulator need not be inside containers, and the flag C(C), so that
    C(sudo) and C(su) of a foreign image work. The flags of the distribution's own file are kept. A registration that
    differs, is disabled, runs nothing, or runs another QEMU than the one installed is replaced.
  - The registrations come back after a restart, by C(systemd-binfmt) and C(/etc/binfmt.d) where systemd runs, by the
    boot script C(/etc/init.d/imagefleet-binfmt) where it does not.
  - Each platform is proved by running a program of a few bytes in an empty root directory, as a container would.
  - A platform that the host runs natively needs nothing, and gets nothing.
options:
  platforms:
    description:
      - The platforms to emulate, such as V(linux/arm64). Variants of an architecture share its emulator.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) registers the emulators and lets them survive a restart.
      - V(absent) removes the registrations and what brings them back. Programs that they run go on.
    type: str
    choices: [present, absent]
    default: present
  source:
    description:
      - Where emulators come from.
      - V(distribution) takes the static QEMU of the distribution's package, C(qemu-user) in Debian 13 and newer,
        C(qemu-user-static) in Debian 12 and Ubuntu. The module does not install it; the role
        P(imagefleet.dify.build_host#role) does.
      - V(image) runs O(image) once, and keeps a copy of its emulator in C(/usr/local/lib/imagefleet/emulators) for
        the next restart, which then needs neither Docker nor the image.
    type: str
    choices: [distribution, image]
    default: distribution
  image:
    description:
      - The image to take emulators from with O(source=image). It needs the interface of C(tonistiigi/binfmt), and is
        run as C(docker run --privileged --rm IMAGE --install ARCHITECTURE).
      - Another value than at the last run replaces the emulators.
    type: str
    default: tonistiigi/binfmt:latest
  minimum_qemu_version:
    description:
      - The lowest QEMU version to accept, such as V(7.2). It is compared with the copy that runs, which the kernel
        opened at registration, and which is not always the file on disk.
      - By default any version will do.
    type: str
  docker_cli:
    description:
      - The Docker client that runs O(image).
    type: path
    default: docker
attributes:
  check_mode:
    support: full
    description: The plan is what check mode returns. Proving programs are run in check mode too.
  diff_mode:
    support: full
    description: Shows registrations and files.
notes:
  - It takes root on the host itself, or a privileged container; registrations are the kernel's, hence everybody's.
  - It takes Linux 4.8 or newer.
  - Debian's package C(binfmt-support) keeps registrations of its own, which O(state=absent) leaves to it.
seealso:
  - module: imagefleet.dify.binfmt_info
  - name: Kernel support for miscellaneous binary formats
    description: What the flags mean.
    link: https://docs.kernel.org/admin-guide/binfmt-misc.html
"""

EXAMPLES = r"""
- name: Emulate another platform beside the host's own
  imagefleet.dify.binfmt:
    platforms:
      - linux/amd64
      - linux/riscv64
    minimum_qemu_version: "7.2"

- name: Remove an emulator
  imagefleet.dify.binfmt:
    platforms: [linux/riscv64]
    state: absent

- name: Take the emulator from an image, where the distribution's is too old
  imagefleet.dify.binfmt:
    platforms: [linux/riscv64]
    source: image
    image: tonistiigi/binfmt:qemu-v9.2.2
"""

RETURN = r"""
emulators:
  description: One entry for each of O(platforms), in their order. Empty with O(state=absent).
  returned: success, unless RV(unknown)
  type: list
  elements: dict
  contains:
    platform:
      description: The platform, normalised.
      type: str
      sample: linux/arm64
    emulator:
      description: The name of the registration; null for a native platform.
      type: str
      sample: qemu-aarch64
    interpreter:
      description: The path that the kernel opened at registration, perhaps inside an image; null for a native platform.
      type: str
      sample: /usr/libexec/qemu-binfmt/aarch64-binfmt-P
    flags:
      description: The registration's flags in the kernel's order; null for a native platform.
      type: str
      sample: POCF
    qemu_version:
      description:
        - The version of the copy that runs; in check mode, when the emulator would be registered, of the file on disk.
        - Null for a native platform, for an emulator that is not QEMU, and where only the image knows.
      type: str
      sample: 10.0.13
    native:
      description: Whether the host runs the platform without an emulator.
      type: bool
      sample: false
    proved:
      description: Whether a foreign program ran; null in check mode when the emulator would be registered.
      type: bool
      sample: true
commands:
  description:
    - What was done, or would be in check mode, in order. C(modprobe), C(mount), C(docker) and C(update-rc.d) are
      programs; C(register), C(unregister), C(enable), C(keep), C(write), C(mask) and C(remove) are the module's own.
  returned: success, unless RV(unknown)
  type: list
  elements: list
  sample: [["unregister", "qemu-riscv64"], ["write", "/etc/binfmt.d/qemu-riscv64.conf"]]
reasons:
  description: Why, one sentence for each difference found.
  returned: success, unless RV(unknown)
  type: list
  elements: str
  sample: ["linux/riscv64: flags PO -> POCF"]
unknown:
  description: Nothing can be predicted before another task has run, which RV(msg) names.
  returned: in check mode, when the emulator's package is not installed yet
  type: bool
  sample: true
msg:
  description: What is missing, and what installs it.
  returned: when RV(unknown), or failed
  type: str
  sample: "unknown until the provision playbook has run: No static QEMU for linux/arm64 is on this host."
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.emulator import (
    check_result,
    describe,
    plan_absent,
    plan_present,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.host import BinfmtHost
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import parse_version
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Wanted
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platforms

BINFMT_SPEC = ArgumentSpec(
    options={
        "platforms": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "source": {"type": "str", "choices": ["distribution", "image"], "default": "distribution"},
        "image": {"type": "str", "default": "tonistiigi/binfmt:latest"},
        "minimum_qemu_version": {"type": "str"},
        "docker_cli": {"type": "path", "default": "docker"},
    }
)


def wanted_emulators(params: dict[str, Any]) -> Wanted:
    """The options as a value."""
    minimum: str | None = params["minimum_qemu_version"]
    if minimum is not None:
        try:
            parse_version(minimum)
        except ValueError as error:
            raise CollectionError(
                f"minimum_qemu_version {minimum!r} is not a version. Write numbers with dots between them, as in '7.2'."
            ) from error
    return Wanted(
        platforms=parse_platforms(params["platforms"]),
        image=params["image"] if params["source"] == "image" else None,
        minimum=minimum,
        docker_cli=params["docker_cli"],
    )


def run(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, apply, prove."""
    wanted = wanted_emulators(module.params)
    host = BinfmtHost(module.run_command, module.tmpdir)
    current = host.read(wanted.architectures)
    plan = plan_absent(wanted, current) if module.params["state"] == "absent" else plan_present(wanted, current)
    if plan.changed and not module.check_mode:
        host.apply(plan)
        current = host.read(wanted.architectures)
    if module.params["state"] == "absent":
        return {**plan.result(), "emulators": []}
    if not module.check_mode:
        check_result(wanted, current)
        return {**plan.result(), "emulators": describe(wanted, current)}
    return {**plan.result(), "emulators": describe(wanted, current, plan)}


def main() -> None:
    with readable_arguments():
        module = AnsibleModule(supports_check_mode=True, **BINFMT_SPEC.to_kwargs())
    finish(module, lambda: run(module))


if __name__ == "__main__":
    main()
