# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registrations of binfmt_misc as values: what the kernel prints, what lines of binfmt.d say, and back.

Sources: https://docs.kernel.org/admin-guide/binfmt-misc.html and binfmt.d(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

# The order in which the kernel prints them.
_FLAGS = "POCF"
_FIXED = "F"
# Interpreters with this ending read their arguments as ``P`` passes them; without it they run nothing.
_ARGV0_ENDING = "-binfmt-P"
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


@dataclass(frozen=True)
class Registration:
    """One emulator: files whose bytes at ``offset`` equal ``magic`` under ``mask`` are run by ``interpreter``.

    :param flags: in the kernel's order, ``POCF``: P passes argv[0], O an open file, C takes the credentials of the
        program and not of the interpreter (which implies O), F opens the interpreter once, at registration.
    """

    name: str
    magic: bytes
    mask: bytes
    interpreter: str
    flags: str = ""
    offset: int = 0
    enabled: bool = True

    @property
    def fixed(self) -> bool:
        """Whether the interpreter was opened at registration, so that containers need not have it."""
        return _FIXED in self.flags

    def matches(self, header: bytes) -> bool:
        """Whether the kernel hands a file that starts with ``header`` to this interpreter."""
        found = header[self.offset : self.offset + len(self.magic)]
        return len(found) == len(self.magic) and all(
            (byte ^ wanted) & mask == 0 for byte, wanted, mask in zip(found, self.magic, self.mask)
        )

    def line(self) -> str:
        """The line for ``register`` and for binfmt.d."""
        offset = str(self.offset) if self.offset else ""
        return f":{self.name}:M:{offset}:{_escape(self.magic)}:{_escape(self.mask)}:{self.interpreter}:{self.flags}"


def canonical_flags(flags: str) -> str:
    """Each flag once, in the kernel's order, with the O that C implies."""
    given = set(flags) | ({"O"} if "C" in flags else set())
    return "".join(flag for flag in _FLAGS if flag in given)


def container_flags(flags: str, interpreter: str) -> str:
    """``flags`` and those that building images needs.

    F: the interpreter exists on this host only, not in the container. C: ``sudo`` and ``su`` of a foreign image work.
    P: where the interpreter's name says that it is passed argv[0].
    """
    return canonical_flags(flags + "CF" + ("P" if interpreter.endswith(_ARGV0_ENDING) else ""))


def parse_registered(name: str, text: str) -> Registration | None:
    """What ``/proc/sys/fs/binfmt_misc/NAME`` holds; None when it goes by a file name's extension.

    :raises CollectionError: the text is not what kernels print.
    """
    lines = text.splitlines()
    values = dict(line.partition(" ")[::2] for line in lines)
    if "extension" in values:
        return None
    try:
        magic = bytes.fromhex(values["magic"])
        return Registration(
            name=name,
            magic=magic,
            mask=bytes.fromhex(values["mask"]) if "mask" in values else b"\xff" * len(magic),
            interpreter=values["interpreter"],
            flags=canonical_flags(values.get("flags:", "")),
            offset=int(values.get("offset", "0")),
            enabled=lines[0] == "enabled",
        )
    except (KeyError, ValueError, IndexError) as error:
        raise CollectionError(
            f"The registration {name} of binfmt_misc cannot be read: {error!s} in {text[:200]!r}.", emulator=name
        ) from error


def parse_conf(text: str) -> tuple[Registration, ...]:
    """The registrations by magic number that a file of binfmt.d asks for; comments and extensions are left out.

    :raises CollectionError: a line is malformed.
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(
        registration
        for registration in (_parse_line(line) for line in lines if line and line[0] not in "#;")
        if registration is not None
    )


def _parse_line(line: str) -> Registration | None:
    # The first character is the delimiter, whatever it is.
    fields = line[1:].split(line[0])
    if len(fields) < 6 or fields[1] not in ("M", "E") or not fields[0] or not re.fullmatch(r"\d*", fields[2], re.ASCII):
        raise CollectionError(
            f"{line[:200]!r} is no line of binfmt.d: it should read :name:M:offset:magic:mask:interpreter:flags."
        )
    name, kind, offset, magic, mask, interpreter = fields[:6]
    if kind == "E":
        return None
    magic_bytes = _unescape(magic)
    return Registration(
        name=name,
        magic=magic_bytes,
        mask=_unescape(mask) if mask else b"\xff" * len(magic_bytes),
        interpreter=interpreter,
        flags=canonical_flags(fields[6] if len(fields) > 6 else ""),
        offset=int(offset or "0"),
    )


def _escape(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def _unescape(text: str) -> bytes:
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), text.encode("utf-8", "surrogateescape"))
