# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._apt.suite import (
    Target,
    added_suites,
    check_suite,
    is_foreign,
    kept_out,
    keyring_of,
    own_target,
    parse_targets,
    pinned,
    source,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

MIRROR = "http://deb.example.com/debian/"
PRINTED = (
    f"{MIRROR}|bookworm|/etc/apt/sources.list.d/debian.sources:1\n"
    f"{MIRROR}|bookworm|/etc/apt/sources.list.d/debian.sources:1\n"
    "http://security.example.com/|bookworm-security|/etc/apt/sources.list:2\n"
    f"{MIRROR}|forky|/etc/apt/sources.list.d/imagefleet-forky.sources:1\n"
)
OWN = Target(MIRROR, "bookworm", "/etc/apt/sources.list.d/debian.sources")
SECURITY = Target("http://security.example.com/", "bookworm-security", "/etc/apt/sources.list")
OURS = Target(MIRROR, "forky", "/etc/apt/sources.list.d/imagefleet-forky.sources")
THEIRS = Target(MIRROR, "forky", "/etc/apt/sources.list.d/forky.list")


def test_targets():
    assert parse_targets(PRINTED) == [OWN, OWN, SECURITY, OURS]
    assert parse_targets("") == []


@pytest.mark.parametrize(
    "release, target",
    [
        pytest.param("bookworm", OWN, id="the-first-entry"),
        pytest.param("book", None, id="not-by-a-part-of-the-name"),
    ],
)
def test_own_target(release, target):
    assert own_target([SECURITY, OWN, OURS], release) == target


@pytest.mark.parametrize(
    "targets, foreign",
    [
        pytest.param([OWN, SECURITY], False, id="nobody-has-it"),
        pytest.param([OWN, OURS], False, id="ours"),
        pytest.param([OWN, THEIRS], True, id="somebody-elses"),
        pytest.param([OURS, THEIRS], True, id="both"),
    ],
)
def test_is_foreign(targets, foreign):
    assert is_foreign("forky", targets) is foreign


@pytest.mark.parametrize(
    "text, keyring",
    [
        pytest.param(
            "Types: deb\nSigned-By: /usr/share/keyrings/own.gpg\n", "/usr/share/keyrings/own.gpg", id="deb822"
        ),
        pytest.param("deb [signed-by=/etc/own.gpg arch=amd64] http://x y main\n", "/etc/own.gpg", id="one-line"),
        pytest.param("deb [arch=amd64 signed-by=/etc/own.gpg] http://x y main\n", "/etc/own.gpg", id="last-option"),
        pytest.param("deb http://x y main\n", "/usr/share/keyrings/debian-archive-keyring.gpg", id="none-named"),
        pytest.param("Signed-By:\n -----BEGIN\n", "/usr/share/keyrings/debian-archive-keyring.gpg", id="a-key-in-it"),
    ],
)
def test_keyring(text, keyring):
    assert keyring_of(text) == keyring


@pytest.mark.parametrize(
    "names, suites",
    [
        ([], []),
        (
            ["debian.sources", "imagefleet-trixie.sources", "imagefleet-bookworm-backports.sources"],
            ["bookworm-backports", "trixie"],
        ),
        (["imagefleet-forky.sources.part", "imagefleet-.sources", "old-imagefleet-x.sources"], []),
    ],
)
def test_added_suites(names, suites):
    assert added_suites(names) == suites


@pytest.mark.parametrize("suite", ["../etc", "a b", "", "-x", "x" * 101, "forky\nPin: release n=sid"])
def test_what_is_no_suite(suite):
    with pytest.raises(CollectionError, match="is no suite's name"):
        check_suite(suite)


@pytest.mark.parametrize("suite", ["trixie", "bookworm-backports", "22.04", "x" * 100])
def test_suites(suite):
    check_suite(suite)


@pytest.mark.parametrize("checked, said", [(True, "yes"), (False, "no")])
def test_source(checked, said):
    ((path, text),) = source("forky", MIRROR, "/etc/own.gpg", checked).items()
    assert path == "/etc/apt/sources.list.d/imagefleet-forky.sources"
    assert text.splitlines()[1:] == [
        "Types: deb",
        f"URIs: {MIRROR}",
        "Suites: forky",
        "Components: main",
        f"Check-Valid-Until: {said}",
        "Signed-By: /etc/own.gpg",
    ]


def test_pins():
    ((path, text),) = kept_out("forky").items()
    assert path == "/etc/apt/preferences.d/imagefleet-forky.pref"
    assert text.endswith("Package: *\nPin: release n=forky\nPin-Priority: 50\n")
    ((path, text),) = pinned("forky", ["docker.io", "docker-cli"]).items()
    assert path == "/etc/apt/preferences.d/imagefleet-forky-docker.io.pref"
    assert text.endswith("Package: docker.io docker-cli\nPin: release n=forky\nPin-Priority: 600\n")
