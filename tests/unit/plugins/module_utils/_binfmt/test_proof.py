# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import (
    ARCHITECTURES,
    architecture_of,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.proof import LOAD_ADDRESS, MESSAGE, proof_program
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import Registration
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platform


@pytest.mark.parametrize(
    "platform, emulator",
    [
        pytest.param("linux/arm64/v8", "qemu-aarch64", id="arm64"),
        pytest.param("linux/arm/v6", "qemu-arm", id="variant"),
        pytest.param("x86_64", "qemu-x86_64", id="alias"),
        pytest.param("linux/386", "qemu-i386", id="386"),
        pytest.param("linux/mips64le", "qemu-mips64el", id="mips64le"),
        pytest.param("linux/loong64", "qemu-loongarch64", id="loong64"),
    ],
)
def test_architecture_of(platform, emulator):
    assert architecture_of(parse_platform(platform)).emulator == emulator


def test_windows_is_refused():
    with pytest.raises(CollectionError, match="windows/amd64 cannot be emulated"):
        architecture_of(Platform("windows", "amd64"))


@pytest.mark.parametrize(
    "name, magic",
    [
        pytest.param("arm64", "7f454c460201010000000000000000000200b700", id="64-bit-little-endian"),
        pytest.param("s390x", "7f454c4602020100000000000000000000020016", id="64-bit-big-endian"),
        pytest.param("arm", "7f454c4601010100000000000000000002002800", id="32-bit-little-endian"),
    ],
)
def test_magic_is_that_of_qemu(name, magic):
    assert ARCHITECTURES[name].magic == bytes.fromhex(magic)


def test_no_emulator_takes_the_programs_of_another():
    registrations = [Registration(a.emulator, a.magic, a.mask, "/q") for a in ARCHITECTURES.values()]
    for architecture in ARCHITECTURES.values():
        takers = [r.name for r in registrations if r.matches(proof_program(architecture))]
        assert takers == [architecture.emulator]


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_program_is_loaded_whole_and_starts_after_its_message(architecture):
    program = proof_program(architecture)
    wide = architecture.bits == 64
    assert len(program) < 250
    entry, table = struct.unpack_from(f"{architecture.order}{'QQ' if wide else 'II'}", program, 24)
    message = program.index(MESSAGE)
    assert entry == LOAD_ADDRESS + message + len(MESSAGE)
    assert message == {64: 0x78, 32: 0x54}[architecture.bits]
    if wide:
        _kind, flags, offset, address, _physical, size = struct.unpack_from(
            f"{architecture.order}IIQQQQ", program, table
        )
    else:
        _kind, offset, address, _physical, size, _memory, flags = struct.unpack_from(
            f"{architecture.order}IIIIIII", program, table
        )
    assert (flags, offset, address, size) == (5, 0, LOAD_ADDRESS, len(program))
