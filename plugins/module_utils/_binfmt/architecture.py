# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architectures that containers are built for: what their ELF files look like and what QEMU calls them.

Sources: the machine numbers of https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html, the flags of each
architecture's ELF supplement, the names of QEMU's user-mode emulators.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform

ELF_EXECUTABLE = 2


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    :param name: as in a platform: ``arm64``.
    :param qemu: as in QEMU's emulator: ``aarch64`` of ``qemu-aarch64``.
    :param bits: 32 or 64, the size of an address.
    :param little: least significant byte first.
    :param machine: ``e_machine`` of its ELF files.
    :param flags: ``e_flags`` of a plain executable in its usual ABI.
    """

    name: str
    qemu: str
    bits: int
    little: bool
    machine: int
    flags: int = 0

    @property
    def emulator(self) -> str:
        """The name it is registered under, by every distribution and by tonistiigi/binfmt."""
        return f"qemu-{self.qemu}"

    @property
    def order(self) -> str:
        """The byte order as :mod:`struct` writes it."""
        return "<" if self.little else ">"

    @property
    def magic(self) -> bytes:
        """The first 20 bytes of an executable: identification, type and machine."""
        ident = b"\x7fELF" + bytes((2 if self.bits == 64 else 1, 1 if self.little else 2, 1))
        return ident.ljust(16, b"\0") + struct.pack(f"{self.order}HH", ELF_EXECUTABLE, self.machine)

    @property
    def mask(self) -> bytes:
        """Which bits of :attr:`magic` count: any ABI (bytes 7, 8) passes, and shared objects (3) as executables (2)."""
        file_type = struct.pack(f"{self.order}H", 0xFFFE)
        return b"\xff" * 7 + b"\0\0" + b"\xff" * 7 + file_type + b"\xff\xff"


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("386", "i386", 32, True, 3),
        Architecture("amd64", "x86_64", 64, True, 62),
        # EABI version 5: system call numbers are taken from r7.
        Architecture("arm", "arm", 32, True, 40, 0x05000000),
        Architecture("arm64", "aarch64", 64, True, 183),
        # Double-precision floats in registers, object format 1.
        Architecture("loong64", "loongarch64", 64, True, 258, 0x43),
        # MIPS64 release 1; no flag for the n32 ABI, hence n64.
        Architecture("mips64", "mips64", 64, False, 8, 0x60000000),
        Architecture("mips64le", "mips64el", 64, True, 8, 0x60000000),
        # ELFv2: the entry point is code, not a function descriptor.
        Architecture("ppc64le", "ppc64le", 64, True, 21, 2),
        Architecture("riscv64", "riscv64", 64, True, 243),
        Architecture("s390x", "s390x", 64, False, 22),
    )
}


def architecture_of(platform: Platform) -> Architecture:
    """The architecture of a Linux platform; its variants share one emulator.

    :raises CollectionError: the platform is not Linux.
    """
    if platform.os != "linux":
        raise CollectionError(
            f"{platform} cannot be emulated: QEMU's user mode runs programs of Linux only. "
            "Leave it out, or build it on a host of its own.",
            platform=str(platform),
        )
    return ARCHITECTURES[platform.architecture]
