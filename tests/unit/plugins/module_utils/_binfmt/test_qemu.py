# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.proof import proof_program
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.qemu import (
    find_qemu_build,
    is_static,
    parse_version,
    qemu_version_of,
)

DEBIAN = b"\0usage: \0qemu-aarch64 version 10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)\nCopyright (c) 2003\0"


@pytest.mark.parametrize(
    "emulator, build",
    [
        pytest.param(DEBIAN, "10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", id="debian"),
        pytest.param(b"\0qemu-x86_64 version 9.2.2\nCopyright\0", "9.2.2", id="upstream"),
        pytest.param(b"\0qemu-arm version %s\n\0", None, id="format-without-version"),
        pytest.param(b"Rosetta 1.0\n", None, id="no-qemu"),
    ],
)
def test_find_qemu_build(emulator, build):
    assert find_qemu_build(emulator) == build


@pytest.mark.parametrize(
    "build, version",
    [
        pytest.param("10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", "10.0.13", id="debian"),
        pytest.param("6.2.0", "6.2.0", id="plain"),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_qemu_version_of(build, version):
    assert qemu_version_of(build) == version


@pytest.mark.parametrize(
    "lower, higher",
    [
        pytest.param("7.2", "10.0", id="numbers-not-letters"),
        pytest.param("7.2", "7.2.1", id="longer"),
        pytest.param("7", "7.1", id="shorter"),
    ],
)
def test_versions_are_ordered(lower, higher):
    assert parse_version(lower) < parse_version(higher)


def test_trailing_zeros_do_not_count():
    assert parse_version("7.0.0") == parse_version("7")


@pytest.mark.parametrize("text", ["", "7.", "v7", "7.2-rc1", "٧"], ids=["empty", "dot", "letter", "suffix", "digit"])
def test_no_version(text):
    with pytest.raises(ValueError):
        parse_version(text)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_program_without_interpreter_is_static(architecture):
    program = proof_program(architecture)
    assert is_static(program)
    table = 64 if architecture.bits == 64 else 52
    needs_loader = program[:table] + struct.pack(f"{architecture.order}I", 3) + program[table + 4 :]
    assert not is_static(needs_loader)


@pytest.mark.parametrize("data", [pytest.param(b"", id="empty"), pytest.param(b"#!/bin/sh\n".ljust(100), id="script")])
def test_no_elf_is_not_static(data):
    assert not is_static(data)
