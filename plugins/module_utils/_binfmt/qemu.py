# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the bytes of an emulator's file say about it. Pure."""

from __future__ import annotations

import re
import struct

# QEMU's main() prints one literal, put together by the compiler: "qemu-" TARGET " version " VERSION "\nCopyright".
_VERSION = re.compile(rb"qemu-[a-z0-9_]+ version ((\d+(?:\.\d+)+)[^\n\0]{0,120})\n")
_INTERPRETER_SEGMENT = 3


def find_qemu_build(emulator: bytes) -> str | None:
    """QEMU's full version in the bytes of an emulator, such as ``10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)``.

    It is read rather than asked for by ``--version``: an emulator whose name says that it expects the arguments of a
    ``P`` registration takes that for the name of a program. None for an emulator that is no QEMU.
    """
    match = _VERSION.search(emulator)
    return match[1].decode("utf-8", "replace").strip() if match else None


def qemu_version_of(build: str | None) -> str | None:
    """The numbers of a full version: ``10.0.13``."""
    match = re.match(r"\d+(?:\.\d+)+", build or "")
    return match[0] if match else None


def parse_version(text: str) -> tuple[int, ...]:
    """``7.2`` as ``(7, 2)``, for comparison.

    :raises ValueError: not numbers with dots between them.
    """
    if not re.fullmatch(r"\d+(\.\d+)*", text, re.ASCII):
        raise ValueError(text)
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_static(emulator: bytes) -> bool:
    """Whether an ELF executable needs no dynamic loader, which a container of another architecture does not have."""
    if emulator[:4] != b"\x7fELF" or len(emulator) < 64:
        return False
    wide, order = emulator[4] == 2, "<" if emulator[5] == 1 else ">"
    (table,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", emulator, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", emulator, 54 if wide else 42)
    types = (emulator[start : start + 4] for start in range(table, table + size * count, size or 1))
    return all(struct.unpack(f"{order}I", kind)[0] != _INTERPRETER_SEGMENT for kind in types if len(kind) == 4)
