# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has and what was asked for, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import Architecture, architecture_of
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform


@dataclass(frozen=True)
class Proof:
    """What happened when a tiny program of an architecture was run in an empty root directory, as in a container.

    :param native: it ran without any emulator.
    :param build: the full version of the QEMU that ran it; None for another emulator, or when nothing ran.
    :param problem: why it did not run; None when it did.
    """

    works: bool
    native: bool = False
    build: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Candidate:
    """An emulator on disk that could be registered, and the full version in its file."""

    registration: Registration
    build: str | None


@dataclass(frozen=True)
class Found:
    """Everything this host has for one architecture.

    :param conf: the content of its file in /etc/binfmt.d; empty when that is masked by a link to /dev/null.
    :param packaged: /usr/lib/binfmt.d asks for it too.
    :param kept: the copy of an image's emulator exists.
    """

    registration: Registration | None
    proof: Proof
    conf: str | None = None
    packaged: bool = False
    kept: bool = False
    candidate: Candidate | None = None


@dataclass(frozen=True)
class Host:
    """What is not about one architecture.

    :param kernel: as ``uname -r`` prints it.
    :param mount_point: the directory of binfmt_misc exists.
    :param mounted: binfmt_misc is there.
    :param enabled: its master switch is on.
    :param other_confs: emulators of /etc/binfmt.d other than those asked about.
    :param boot_script: the content of our boot script; None when there is none.
    :param boot_links: the boot script is started by the init system.
    """

    kernel: str
    mount_point: bool
    mounted: bool
    enabled: bool
    systemd: bool
    other_confs: tuple[str, ...] = ()
    boot_script: str | None = None
    boot_links: bool = False
    found: Mapping[Architecture, Found] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    :param image: the image to take emulators from; None for the distribution's.
    :param minimum: the lowest QEMU version accepted, as it was written.
    :param docker_cli: the program that runs the image.
    """

    platforms: tuple[Platform, ...]
    image: str | None = None
    minimum: str | None = None
    docker_cli: str = "docker"

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """Each once: variants share an emulator."""
        return tuple(dict.fromkeys(architecture_of(platform) for platform in self.platforms))
