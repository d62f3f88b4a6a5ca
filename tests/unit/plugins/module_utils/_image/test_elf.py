# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.elf import elf_architecture, interpreter_of


def header(machine, bits=64, little=True):
    identity = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if little else 2, 1]) + bytes(9)
    return identity + struct.pack("<HH" if little else ">HH", 2, machine)


@pytest.mark.parametrize(
    "data, architecture",
    [
        pytest.param(header(62), "amd64", id="amd64"),
        pytest.param(header(183), "arm64", id="arm64"),
        pytest.param(header(3, bits=32), "386", id="386"),
        pytest.param(header(40, bits=32), "arm", id="arm"),
        pytest.param(header(243), "riscv64", id="riscv64"),
        pytest.param(header(22, little=False), "s390x", id="s390x-is-big-endian"),
        pytest.param(header(21), "ppc64le", id="ppc64le"),
        pytest.param(header(21, little=False), "ppc64", id="ppc64"),
        pytest.param(header(8), "mips64le", id="mips64le"),
        pytest.param(header(8, little=False), "mips64", id="mips64"),
        pytest.param(header(62, bits=32), "machine 62", id="amd64-with-32-bit-pointers-is-another"),
        pytest.param(header(4711), "machine 4711", id="a-machine-nobody-knows"),
        pytest.param(header(62) + b"more", "amd64", id="what-follows-does-not-matter"),
        pytest.param(header(62)[:19], None, id="cut-short"),
        pytest.param(b"#!/bin/sh\n" + bytes(20), None, id="a-script"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_architecture_of_a_program(data, architecture):
    assert elf_architecture(data) == architecture


@pytest.mark.parametrize(
    "data, program",
    [
        pytest.param(b"#!/bin/sh\nexec x", "/bin/sh", id="plain"),
        pytest.param(b"#! /bin/sh -e\n", "/bin/sh", id="with-a-blank-and-an-option"),
        pytest.param(b"#!/usr/bin/env python3\n", "python3", id="by-env"),
        pytest.param(b"#!/usr/bin/env -S A=1 node --x\n", "node", id="by-env-with-options-and-variables"),
        pytest.param(b"#!/usr/bin/env", None, id="env-without-a-program"),
        pytest.param(b"#!/bin/bash", "/bin/bash", id="without-a-line-end"),
        pytest.param(b"#!\n", None, id="names-nothing"),
        pytest.param(b"text", None, id="no-script"),
        pytest.param(b"#!/\xff\n", "/�", id="no-utf-8"),
    ],
)
def test_what_a_script_names(data, program):
    assert interpreter_of(data) == program
