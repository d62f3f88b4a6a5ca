# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a registration differs from the wanted one: each difference as a sentence. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import Architecture
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.persistence import image_in_conf
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import parse_version, qemu_version_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.state import Found, Wanted
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


def find_differences(architecture: Architecture, target: Registration, wanted: Wanted, found: Found) -> tuple[str, ...]:
    """Why ``target`` has to be registered anew; nothing when what is there will do.

    :raises CollectionError: what is there is too old, and registering it again would not help.
    """
    current = found.registration
    label = f"linux/{architecture.name}"
    if current is None:
        return (f"{label}: {architecture.emulator} is not registered",)
    reasons = [*_registration_differences(label, target, wanted, current)]
    if not reasons and not found.proof.works:
        reasons.append(f"{label}: {architecture.emulator} runs no foreign program: {found.proof.problem}")
    elif not reasons:
        reasons += _version_differences(architecture, wanted, found)
    return tuple(reasons)


def as_registered(target: Registration, wanted: Wanted) -> Registration:
    """What the kernel has until the next restart: an image registers the path inside it."""
    return target if wanted.image is None else replace(target, interpreter=f"/usr/bin/{target.name}")


def is_new_enough(build: str | None, minimum: str | None) -> bool:
    """Whether a full version reaches the minimum; an unknown one reaches none."""
    if minimum is None:
        return True
    version = qemu_version_of(build)
    return version is not None and parse_version(version) >= parse_version(minimum)


def too_old(architecture: Architecture, build: str | None, wanted: Wanted) -> CollectionError:
    """The error for an emulator below the minimum."""
    where = f"the image {wanted.image}" if wanted.image else "the distribution's package"
    found = f"QEMU {build}" if build else "no version of QEMU"
    return CollectionError(
        f"The emulator for linux/{architecture.name} from {where} is {found}; minimum_qemu_version asks for "
        f"{wanted.minimum}. Install a newer package, name a newer image with source: image, or lower the minimum.",
        emulator=architecture.emulator,
        qemu_version=qemu_version_of(build),
    )


def _registration_differences(label: str, target: Registration, wanted: Wanted, current: Registration) -> list[str]:
    # An image registers the path inside it, with its own magic and mask; after a restart it is our copy.
    wanted_now = as_registered(target, wanted).interpreter
    from_image = wanted.image is not None and current.interpreter == wanted_now
    missing = [flag for flag in target.flags if flag not in current.flags]
    extra = [flag for flag in current.flags if flag not in target.flags] if not from_image else []
    reasons = []
    if not current.enabled:
        reasons.append(f"{label}: {current.name} is disabled")
    if missing or extra:
        reasons.append(f"{label}: flags {current.flags or 'none'} -> {target.flags}")
    if not from_image and current.interpreter != target.interpreter:
        reasons.append(f"{label}: interpreter {current.interpreter} -> {wanted_now}")
    if not from_image and (current.magic, current.mask, current.offset) != (target.magic, target.mask, target.offset):
        reasons.append(f"{label}: {current.name} is registered for other bytes than those of {label}")
    return reasons


def _version_differences(architecture: Architecture, wanted: Wanted, found: Found) -> list[str]:
    label = f"linux/{architecture.name}"
    running = found.proof.build
    if wanted.image is not None:
        before = image_in_conf(found.conf)
        if before is not None and before != wanted.image:
            return [f"{label}: image {before} -> {wanted.image}"]
        if found.conf and before is None:
            return [f"{label}: the distribution's emulator -> image {wanted.image}"]
        if not is_new_enough(running, wanted.minimum):
            if before == wanted.image:
                raise too_old(architecture, running, wanted)
            return [f"{label}: QEMU {running} is below {wanted.minimum}"]
        return []
    on_disk = found.candidate.build if found.candidate else None
    if running != on_disk:
        return [f"{label}: QEMU {running} runs, since before {on_disk} was installed"]
    if not is_new_enough(running, wanted.minimum):
        raise too_old(architecture, running, wanted)
    return []
