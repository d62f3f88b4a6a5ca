# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/bases"))

import machine
import make_bases

MIRROR = machine.AptSource("http://mirror.example.com/debian", ("bookworm", "bookworm-updates"), ("main",))


@pytest.mark.parametrize(
    "text, found",
    [
        pytest.param("deb http://m/debian bookworm main contrib", [("http://m/debian", ("bookworm",))], id="plain"),
        pytest.param(
            "deb [arch=amd64 signed-by=/k] http://m/debian bookworm main",
            [("http://m/debian", ("bookworm",))],
            id="options",
        ),
        pytest.param("# deb http://m/debian bookworm main", [], id="comment"),
        pytest.param("deb-src http://m/debian bookworm main", [], id="sources"),
    ],
)
def test_parse_one_line(text, found):
    assert [(source.uri, source.suites) for source in machine.parse_one_line(text)] == found


@pytest.mark.parametrize(
    "text, found",
    [
        pytest.param(
            "Types: deb\nURIs: http://m/debian\nSuites: a b\nComponents: main",
            [("http://m/debian", ("a", "b"))],
            id="plain",
        ),
        pytest.param(
            "Types: deb\nURIs: http://m http://n\nSuites: a\nComponents: main",
            [("http://m", ("a",)), ("http://n", ("a",))],
            id="two",
        ),
        pytest.param(
            "Types: deb\n# note\nURIs:\n http://m\nSuites: a\nComponents: main", [("http://m", ("a",))], id="folded"
        ),
        pytest.param("Enabled: no\nTypes: deb\nURIs: http://m\nSuites: a\nComponents: main", [], id="disabled"),
        pytest.param("Types: deb-src\nURIs: http://m\nSuites: a\nComponents: main", [], id="sources"),
    ],
)
def test_parse_deb822(text, found):
    assert [(source.uri, source.suites) for source in machine.parse_deb822(text)] == found


def test_the_mirror_is_the_one_with_the_release():
    security = machine.AptSource("http://mirror.example.com/debian-security", ("bookworm-security",), ("main",))
    other = machine.AptSource("http://other.example.com/apt", ("stable",), ("main",))
    assert machine.debian_mirror([security, other, MIRROR]) == "http://mirror.example.com/debian"
    with pytest.raises(SystemExit, match="no Debian source"):
        machine.debian_mirror([security, other])


def test_parents_come_first():
    assert [base.name for base in make_bases.with_parents(["python"])] == ["debian", "python"]
    assert [base.name for base in make_bases.with_parents([])] == list(make_bases.BASES)


def test_a_key_follows_its_inputs_and_its_parents():
    def keys(mirror="m", ca="c", pip="p"):
        return {base.name: make_bases.base_key(base, mirror, ca, pip) for base in make_bases.BASES.values()}

    assert keys() == keys()
    assert len(set(keys().values())) == len(make_bases.BASES)
    for changed in (keys(mirror="x"), keys(ca="x"), keys(pip="x")):
        assert not set(changed.values()) & set(keys().values())
