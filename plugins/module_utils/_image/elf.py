# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What machine a program is for, read from the header of an ELF file. Pure.

Numbers: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html and the psABI of each architecture.
"""

from __future__ import annotations

import struct

_MACHINES = {
    (3, 1): "386",
    (40, 1): "arm",
    (62, 2): "amd64",
    (183, 2): "arm64",
    (243, 2): "riscv64",
    (22, 2): "s390x",
    (258, 2): "loong64",
}
_HEADER = 20


def elf_architecture(data: bytes) -> str | None:
    """The architecture of a program as platforms name it (``arm64``); None when ``data`` is no ELF file.

    A machine that is not known is named by its number: ``machine 42``.

    :param data: the first 20 bytes of the file, or more.
    """
    if len(data) < _HEADER or data[:4] != b"\x7fELF":
        return None
    word_size, byte_order = data[4], data[5]
    (machine,) = struct.unpack_from("<H" if byte_order == 1 else ">H", data, 18)
    if machine == 21:
        return "ppc64le" if byte_order == 1 else "ppc64"
    if machine == 8:
        return "mips64le" if byte_order == 1 else "mips64"
    return _MACHINES.get((machine, word_size), f"machine {machine}")


def interpreter_of(data: bytes) -> str | None:
    """The program that a script's first line (``#!``) names; None when it is no script."""
    if not data.startswith(b"#!"):
        return None
    words = data[2:].partition(b"\n")[0].decode("utf-8", "replace").split()
    if not words:
        return None
    if words[0].endswith("/env"):
        return next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
    return words[0]
