# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform, parse_platforms
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import (
    is_digest,
    is_tag,
    parse_reference,
    parse_repository,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import is_loopback

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "text, normal",
    [
        pytest.param("python", "docker.io/library/python", id="official"),
        pytest.param("python:3.12", "docker.io/library/python:3.12", id="official-with-tag"),
        pytest.param("langgenius/dify-api:1", "docker.io/langgenius/dify-api:1", id="users"),
        pytest.param("index.docker.io/a/b", "docker.io/a/b", id="the-hubs-other-name"),
        pytest.param("localhost/a", "localhost/a", id="localhost"),
        pytest.param("localhost:5000/a:1", "localhost:5000/a:1", id="port"),
        pytest.param("r.example.com/a/b_c/d-e:v1.0", "r.example.com/a/b_c/d-e:v1.0", id="host"),
        pytest.param("[::1]:5000/a", "[::1]:5000/a", id="address-of-version-6"),
        pytest.param(f"a@{DIGEST}", f"docker.io/library/a@{DIGEST}", id="digest"),
        pytest.param(f"r.io/a:1@{DIGEST}", f"r.io/a:1@{DIGEST}", id="tag-and-digest"),
        pytest.param("a__b/c---d", "docker.io/a__b/c---d", id="separators"),
    ],
)
def test_parse_reference(text, normal):
    assert str(parse_reference(text)) == normal
    assert parse_reference(normal) == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "A",
        "a b",
        "a:",
        "a:b c",
        "a@sha256:0",
        "-a",
        "a/",
        "/a",
        "a//b",
        "a:-x",
        "a\n",
        "ä",
        "UPPER/x",
        "a..b",
        "../a",
    ],
)
def test_what_is_no_reference(text):
    with pytest.raises(CollectionError, match="is not an image reference"):
        parse_reference(text)


def test_parts_of_a_reference():
    reference = parse_reference(f"r.io/a:1@{DIGEST}")
    assert (reference.name, reference.selector) == ("r.io/a", DIGEST)
    assert str(reference.with_tag("2")) == "r.io/a:2"
    assert parse_reference("r.io/a").selector == "latest"


@pytest.mark.parametrize("text", ["r.io/a:1", f"r.io/a@{DIGEST}"])
def test_a_repository_has_neither_tag_nor_digest(text):
    with pytest.raises(CollectionError, match="without tag and digest, such as r.io/a"):
        parse_repository(text)


@pytest.mark.parametrize(
    "text, tag",
    [
        ("latest", True),
        ("1.0-rc_1", True),
        ("_x", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("-a", False),
        ("", False),
        (".a", False),
        ("a/b", False),
        ("a\n", False),
    ],
)
def test_is_tag(text, tag):
    assert is_tag(text) is tag


def test_is_digest():
    assert is_digest(DIGEST)
    assert not is_digest(DIGEST + "0")
    assert not is_digest(DIGEST.upper())


@pytest.mark.parametrize(
    "text, normal",
    [
        pytest.param("linux/amd64", "linux/amd64", id="as-it-is"),
        pytest.param("amd64", "linux/amd64", id="architecture"),
        pytest.param("x86_64", "linux/amd64", id="kernel-name"),
        pytest.param("aarch64", "linux/arm64", id="kernel-name-arm"),
        pytest.param("linux/arm64/v8", "linux/arm64", id="default-variant"),
        pytest.param("linux/amd64/v1", "linux/amd64", id="default-variant-amd64"),
        pytest.param("linux/amd64/v3", "linux/amd64/v3", id="variant"),
        pytest.param("linux/arm", "linux/arm/v7", id="arm-has-a-variant"),
        pytest.param("linux/arm/v6", "linux/arm/v6", id="arm-v6"),
        pytest.param("armhf", "linux/arm/v7", id="debian-name"),
        pytest.param("LINUX/AMD64", "linux/amd64", id="case"),
        pytest.param("windows/amd64", "windows/amd64", id="windows"),
    ],
)
def test_parse_platform(text, normal):
    assert str(parse_platform(text)) == normal


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/amd65", "amd64/linux", "linux/amd64/v1/x", "linux amd64", "plan9/amd64", "../amd64"]
)
def test_what_is_no_platform(text):
    with pytest.raises(CollectionError, match="is not a platform"):
        parse_platform(text)


def test_repetitions_are_dropped_in_order():
    assert [str(p) for p in parse_platforms(["arm64", "x86_64", "linux/arm64/v8"])] == ["linux/arm64", "linux/amd64"]


@pytest.mark.parametrize(
    "registry, loopback",
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1:5000", True), ("127.8.8.8", True), ("[::1]:5000", True),
        ("docker.io", False), ("10.0.0.1:5000", False), ("localhost.example.com", False), ("127.example.com", True),
    ],
)  # fmt: skip
def test_is_loopback(registry, loopback):
    assert is_loopback(registry) is loopback
