# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done so that emulators are there, or gone. Pure: a host's state and a wish in, a plan out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import Architecture, architecture_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.drift import (
    as_registered,
    find_differences,
    is_new_enough,
    too_old,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.persistence import (
    BINFMT_MISC,
    BOOT_SCRIPT,
    BOOT_SCRIPT_NAME,
    BOOT_SCRIPT_TEXT,
    conf_path,
    kept_path,
    render_conf,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import qemu_version_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import (
    Registration,
    container_flags,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Found, Host, Wanted
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.plan import Command, Plan
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

# The first kernel whose binfmt_misc knows the F flag: commit 948b701a607f.
MINIMUM_KERNEL = (4, 8)
PROVISION = "the provision playbook"


@dataclass(frozen=True)
class EmulatorPlan(Plan):
    """A plan with the contents of the files that its ``write`` commands write, and what it registers."""

    files: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[Architecture, Registration] = field(default_factory=dict)

    def registers(self, architecture: Architecture) -> bool:
        """Whether the plan registers this emulator, anew or for the first time."""
        return architecture in self.targets and any(
            command[0] == "register"
            and command[1] == self.targets[architecture].line()
            or command[-2:] == ("--install", architecture.name)
            for command in self.commands
        )


@dataclass(frozen=True)
class _Steps:
    """What one architecture, or the host as a whole, contributes to a plan."""

    commands: tuple[Command, ...] = ()
    reasons: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def check_kernel(release: str) -> None:
    """Refuse kernels without the F flag.

    :raises CollectionError: the kernel is too old.
    """
    match = re.match(r"(\d+)\.(\d+)", release)
    if match and (int(match[1]), int(match[2])) < MINIMUM_KERNEL:
        raise CollectionError(
            f"Linux {release} cannot fix an emulator at registration (flag F), which containers need; "
            f"{MINIMUM_KERNEL[0]}.{MINIMUM_KERNEL[1]} or newer can. Upgrade the host's kernel.",
            kernel=release,
        )


def plan_present(wanted: Wanted, host: Host) -> EmulatorPlan:
    """Every platform's emulator is registered for containers, works, is new enough and comes back after a restart.

    :raises MissingPrerequisite: the distribution's emulator is not installed.
    :raises CollectionError: the kernel or an emulator is too old.
    """
    check_kernel(host.kernel)
    emulated = tuple(a for a in wanted.architectures if not host.found[a].proof.native)
    targets = {architecture: _target(architecture, wanted, host.found[architecture]) for architecture in emulated}
    steps = [_prepare(host)] if emulated else []
    steps += [_present(architecture, targets[architecture], wanted, host) for architecture in emulated]
    steps += [_boot(host)] if emulated else []
    registered = {architecture: as_registered(target, wanted) for architecture, target in targets.items()}
    return _plan(host, _join(steps), registered)


def plan_absent(wanted: Wanted, host: Host) -> EmulatorPlan:
    """No emulator of these platforms is registered, now or after a restart. Others stay."""
    steps = [_absent(architecture, host) for architecture in wanted.architectures]
    removed = any(host.found[architecture].conf for architecture in wanted.architectures)
    if removed and not host.other_confs and (host.boot_script is not None or host.boot_links):
        remove = (("remove", BOOT_SCRIPT),) if host.boot_script is not None else ()
        steps.append(_Steps((*remove, ("update-rc.d", BOOT_SCRIPT_NAME, "remove")), ("no emulator is left to boot",)))
    return _plan(host, _join(steps), {})


def describe(wanted: Wanted, host: Host, plan: EmulatorPlan | None = None) -> list[dict[str, Any]]:
    """One entry for each platform, as the modules return it.

    :param plan: what will be done in check mode: an emulator that it registers is not proved yet.
    """
    return [_describe(platform, host, plan) for platform in wanted.platforms]


def check_result(wanted: Wanted, host: Host) -> None:
    """After a plan was carried out: every platform runs, on a version that is new enough.

    :raises CollectionError: one does not.
    """
    for architecture in wanted.architectures:
        proof = host.found[architecture].proof
        if not proof.works:
            raise CollectionError(
                f"linux/{architecture.name} is registered as {architecture.emulator} but a foreign program does "
                f"not run: {proof.problem}. Check that the emulator is static and made for this host; "
                "source: image takes another one.",
                emulator=architecture.emulator,
            )
        if not proof.native and not is_new_enough(proof.build, wanted.minimum):
            raise too_old(architecture, proof.build, wanted)


def _target(architecture: Architecture, wanted: Wanted, found: Found) -> Registration:
    """The registration that is to come back at each start."""
    if wanted.image is not None:
        interpreter = kept_path(architecture)
        flags = container_flags("", interpreter)
        return Registration(architecture.emulator, architecture.magic, architecture.mask, interpreter, flags)
    if found.candidate is None:
        raise MissingPrerequisite(
            f"No static QEMU for linux/{architecture.name} is on this host. Install the package qemu-user "
            "(Debian 13 and newer) or qemu-user-static (Debian 12, Ubuntu 22.04 and 24.04), or set source: image.",
            task=PROVISION,
            emulator=architecture.emulator,
        )
    candidate = found.candidate.registration
    return Registration(
        architecture.emulator,
        candidate.magic,
        candidate.mask,
        candidate.interpreter,
        container_flags(candidate.flags, candidate.interpreter),
        candidate.offset,
    )


def _prepare(host: Host) -> _Steps:
    load = (("modprobe", "binfmt_misc"),) if not host.mount_point else ()
    mount = (("mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT_MISC),) if not host.mounted else ()
    # A file system that is not mounted cannot tell; a fresh one is enabled.
    enable = (("enable", BINFMT_MISC),) if host.mounted and not host.enabled else ()
    reasons = (f"{BINFMT_MISC} is not mounted",) if mount else (f"{BINFMT_MISC} is switched off",) if enable else ()
    return _Steps((*load, *mount, *enable), reasons)


def _present(architecture: Architecture, target: Registration, wanted: Wanted, host: Host) -> _Steps:
    found = host.found[architecture]
    text = render_conf(target, wanted.image)
    path = conf_path(architecture)
    reasons = find_differences(architecture, target, wanted, found)
    commands: list[Command] = []
    if reasons:
        if wanted.image is None and found.candidate and not is_new_enough(found.candidate.build, wanted.minimum):
            raise too_old(architecture, found.candidate.build, wanted)
        if found.registration is not None:
            commands.append(("unregister", architecture.emulator))
        commands.append(_register_command(architecture, target, wanted))
    if wanted.image is not None and (reasons or not found.kept):
        commands.append(("keep", architecture.name, kept_path(architecture)))
    if found.conf != text:
        commands.append(("write", path))
    if wanted.image is None and found.kept:
        commands.append(("remove", kept_path(architecture)))
    if commands and not reasons:
        reasons = (f"linux/{architecture.name}: {path} does not bring {architecture.emulator} back after a restart",)
    return _Steps(tuple(commands), reasons, {path: text} if found.conf != text else {})


def _register_command(architecture: Architecture, target: Registration, wanted: Wanted) -> Command:
    return ("register", target.line()) if wanted.image is None else install_args(wanted, architecture)


def install_args(wanted: Wanted, architecture: Architecture) -> Command:
    """The command that registers an emulator from an image with the interface of tonistiigi/binfmt."""
    return (wanted.docker_cli, "run", "--privileged", "--rm", str(wanted.image), "--install", architecture.name)


def _boot(host: Host) -> _Steps:
    if host.systemd:
        return _Steps()
    write = host.boot_script != BOOT_SCRIPT_TEXT
    commands: tuple[Command, ...] = (
        *((("write", BOOT_SCRIPT),) if write else ()),
        *((("update-rc.d", BOOT_SCRIPT_NAME, "defaults"),) if write or not host.boot_links else ()),
    )
    reasons = ("without systemd a boot script has to register the emulators",) if commands else ()
    return _Steps(commands, reasons, {BOOT_SCRIPT: BOOT_SCRIPT_TEXT} if write else {})


def _absent(architecture: Architecture, host: Host) -> _Steps:
    found = host.found[architecture]
    path = conf_path(architecture)
    commands: list[Command] = []
    if found.registration is not None:
        commands.append(("unregister", architecture.emulator))
    if found.packaged and host.systemd:
        # As systemctl mask does: the package's file of the same name no longer counts.
        if found.conf != "":
            commands.append(("mask", path))
    elif found.conf is not None:
        commands.append(("remove", path))
    if found.kept:
        commands.append(("remove", kept_path(architecture)))
    reasons = (f"linux/{architecture.name}: {architecture.emulator} is to be absent",) if commands else ()
    return _Steps(tuple(commands), reasons)


def _join(steps: list[_Steps]) -> _Steps:
    return _Steps(
        tuple(command for step in steps for command in step.commands),
        tuple(reason for step in steps for reason in step.reasons),
        {path: text for step in steps for path, text in step.files.items()},
    )


def _plan(host: Host, steps: _Steps, targets: Mapping[Architecture, Registration]) -> EmulatorPlan:
    before = _state(host)
    return EmulatorPlan(
        before, _after(before, host, steps, targets), steps.commands, steps.reasons, steps.files, targets
    )


def _state(host: Host) -> dict[str, Any]:
    """What the diff shows: registrations, files, the mount."""
    files: dict[str, Any] = {
        conf_path(architecture): found.conf for architecture, found in host.found.items() if found.conf is not None
    }
    if host.boot_script is not None:
        files[BOOT_SCRIPT] = host.boot_script
    registered = {
        architecture.emulator: _registration_state(found.registration, found.proof.build)
        for architecture, found in host.found.items()
        if found.registration is not None
    }
    return {"mounted": host.mounted, "emulators": registered, "files": files}


def _registration_state(registration: Registration, build: str | None) -> dict[str, Any]:
    return {
        "interpreter": registration.interpreter,
        "flags": registration.flags,
        "enabled": registration.enabled,
        "qemu_version": qemu_version_of(build),
    }


def _after(
    before: Mapping[str, Any], host: Host, steps: _Steps, targets: Mapping[Architecture, Registration]
) -> dict[str, Any]:
    gone = {command[1] for command in steps.commands if command[0] in ("unregister", "remove", "mask")}
    files = {path: text for path, text in before["files"].items() if path not in gone}
    emulators = {name: state for name, state in before["emulators"].items() if name not in gone}
    for architecture, target in targets.items():
        found = host.found[architecture]
        if architecture.emulator not in emulators:
            emulators[architecture.emulator] = _registration_state(target, _build_of(target, found))
    mounted = before["mounted"] or any(command[0] == "mount" for command in steps.commands)
    return {"mounted": mounted, "emulators": emulators, "files": {**files, **steps.files}}


def _describe(platform: Platform, host: Host, plan: EmulatorPlan | None) -> dict[str, Any]:
    architecture = architecture_of(platform)
    found = host.found[architecture]
    entry: dict[str, Any] = {"platform": str(platform), "native": found.proof.native}
    if found.proof.native:
        return {**entry, **dict.fromkeys(("emulator", "interpreter", "flags", "qemu_version")), "proved": True}
    planned = plan is not None and plan.registers(architecture)
    registration = plan.targets[architecture] if plan is not None and planned else found.registration
    build = _build_of(registration, found) if planned else found.proof.build
    return {
        **entry,
        "emulator": architecture.emulator,
        "interpreter": registration.interpreter if registration else None,
        "flags": registration.flags if registration else None,
        "qemu_version": qemu_version_of(build),
        "proved": None if planned else found.proof.works,
    }


def _build_of(target: Registration | None, found: Found) -> str | None:
    """The version of what will be registered; an image's is known only once it runs."""
    if target is None or found.candidate is None or target.interpreter != found.candidate.registration.interpreter:
        return None
    return found.candidate.build
