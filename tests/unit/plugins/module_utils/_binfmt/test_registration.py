# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import pathlib

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import ARCHITECTURES
from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.registration import (
    Registration,
    canonical_flags,
    container_flags,
    parse_conf,
    parse_registered,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
ARM64_MAGIC = bytes.fromhex("7f454c460201010000000000000000000200b700")
ARM64_MASK = bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff")
ARM64 = Registration("qemu-aarch64", ARM64_MAGIC, ARM64_MASK, "/usr/libexec/qemu-binfmt/aarch64-binfmt-P", flags="POCF")


def fixture(name):
    return (FIXTURES / name).read_text()


@pytest.mark.parametrize(
    "text, registration",
    [
        pytest.param(fixture("linux-6.18-qemu-aarch64.txt"), ARM64, id="recorded"),
        pytest.param(
            "disabled\ninterpreter /usr/bin/x\nflags: \noffset 2\nmagic 4d5a\n",
            Registration("qemu-aarch64", b"MZ", b"\xff\xff", "/usr/bin/x", "", 2, enabled=False),
            id="disabled-without-mask-and-flags",
        ),
        pytest.param("enabled\ninterpreter /usr/bin/x\nflags: \nextension .py\n", None, id="by-extension"),
    ],
)
def test_parse_registered(text, registration):
    assert parse_registered("qemu-aarch64", text) == registration


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("enabled\nflags: F\nmagic 7f\n", id="no-interpreter"),
        pytest.param("enabled\ninterpreter /x\nmagic 7z\n", id="magic-is-not-hexadecimal"),
    ],
)
def test_parse_registered_refuses(text):
    with pytest.raises(CollectionError, match="qemu-x of binfmt_misc cannot be read"):
        parse_registered("qemu-x", text)


@pytest.mark.parametrize(
    "text, registrations",
    [
        pytest.param(
            fixture("debian-13-qemu-aarch64.conf"), (dataclasses.replace(ARM64, flags="POF"),), id="debian-13"
        ),
        pytest.param(
            fixture("debian-12-qemu-riscv64.conf"),
            (
                Registration(
                    "qemu-riscv64",
                    bytes.fromhex("7f454c460201010000000000000000000200f300"),
                    ARM64_MASK,
                    "/usr/libexec/qemu-binfmt/riscv64-binfmt-P",
                    "POF",
                ),
            ),
            id="debian-12",
        ),
        pytest.param("# a comment\n; another\n\n:java:E::jar::/usr/bin/java:\n", (), id="comments-and-extensions"),
        pytest.param(
            "@x@M@4@MZ\\x00@@/bin/x@\n", (Registration("x", b"MZ\0", b"\xff" * 3, "/bin/x", "", 4),), id="delimiter"
        ),
        pytest.param(":x:M::MZ::/bin/x", (Registration("x", b"MZ", b"\xff\xff", "/bin/x"),), id="no-flags-field"),
    ],
)
def test_parse_conf(text, registrations):
    assert parse_conf(text) == registrations


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(":x:M::MZ", id="too-short"),
        pytest.param(":x:Q::MZ::/bin/x:", id="kind-unknown"),
        pytest.param("::M::MZ::/bin/x:", id="no-name"),
        pytest.param(":x:M:two:MZ::/bin/x:", id="offset-is-no-number"),
    ],
)
def test_parse_conf_refuses(line):
    with pytest.raises(CollectionError, match="is no line of binfmt.d"):
        parse_conf(line)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_line_is_read_back(architecture):
    registration = Registration(architecture.emulator, architecture.magic, architecture.mask, "/usr/bin/q", "OCF")
    assert parse_conf(registration.line()) == (registration,)
    assert registration.line().isascii()


def test_line():
    registration = Registration("x", b"\x7fE", b"\xff\xfe", "/bin/x", "F")
    assert registration.line() == r":x:M::\x7f\x45:\xff\xfe:/bin/x:F"
    assert dataclasses.replace(registration, offset=3).line() == r":x:M:3:\x7f\x45:\xff\xfe:/bin/x:F"


@pytest.mark.parametrize(
    "header, matches",
    [
        pytest.param(ARM64_MAGIC, True, id="executable"),
        pytest.param(ARM64_MAGIC[:16] + b"\x03" + ARM64_MAGIC[17:], True, id="shared-object"),
        pytest.param(ARM64_MAGIC[:7] + b"\x03" + ARM64_MAGIC[8:], True, id="linux-abi"),
        pytest.param(ARM64_MAGIC[:18] + b"\xf3\x00", False, id="riscv"),
        pytest.param(ARM64_MAGIC[:10], False, id="short-file"),
        pytest.param(b"#!/bin/sh\n".ljust(20), False, id="script"),
    ],
)
def test_matches(header, matches):
    assert ARM64.matches(header) is matches


def test_matches_at_offset():
    assert Registration("x", b"MZ", b"\xff\xff", "/bin/x", offset=1).matches(b"-MZ")


@pytest.mark.parametrize(
    "flags, canonical",
    [
        pytest.param("FPO", "POF", id="kernel-order"),
        pytest.param("CF", "OCF", id="credentials-imply-open"),
        pytest.param("FF", "F", id="once"),
        pytest.param("", "", id="none"),
    ],
)
def test_canonical_flags(flags, canonical):
    assert canonical_flags(flags) == canonical


@pytest.mark.parametrize(
    "flags, interpreter, wanted",
    [
        pytest.param("OPF", "/usr/libexec/qemu-binfmt/arm-binfmt-P", "POCF", id="debian-keeps-its-flags"),
        pytest.param("", "/usr/libexec/qemu-binfmt/arm-binfmt-P", "POCF", id="name-demands-argv0"),
        pytest.param("", "/usr/bin/qemu-arm-static", "OCF", id="plain-name-gets-no-argv0"),
        pytest.param("P", "/usr/bin/qemu-arm", "POCF", id="given-argv0-is-kept"),
    ],
)
def test_container_flags(flags, interpreter, wanted):
    assert container_flags(flags, interpreter) == wanted
