# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile
from ansible_collections.imagefleet.dify.plugins.module_utils._image.image_configuration import (
    ImageConfiguration,
    find_configuration,
)

SHELL = ("/bin/sh", "-c")


def configuration(text, target=None, **build_args):
    return find_configuration(parse_dockerfile(text), build_args, target)


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("FROM a", {}, id="nothing-is-said"),
        pytest.param("FROM a\nUSER 1001", {"user": "1001"}, id="user"),
        pytest.param("FROM a\nUSER one\nUSER two:users", {"user": "two:users"}, id="last-user-counts"),
        pytest.param("FROM a\nARG uid=7\nUSER $uid", {"user": "7"}, id="user-of-an-argument"),
        pytest.param("FROM a\nARG uid\nUSER $uid", {"user": "$uid"}, id="user-that-cannot-be-told"),
        pytest.param("FROM a AS b\nUSER one\nFROM b", {"user": "one"}, id="user-of-the-base-stage"),
        pytest.param("FROM a AS b\nUSER one\nFROM a", {}, id="user-of-another-stage"),
        pytest.param("FROM a\nWORKDIR /app\nWORKDIR api/", {"workdir": "/app/api"}, id="relative-folder"),
        pytest.param("FROM a\nARG D=/d\nWORKDIR $D/e", {"workdir": "/d/e"}, id="folder-of-an-argument"),
        pytest.param('FROM a\nENTRYPOINT ["a", "b"]', {"entrypoint": ("a", "b")}, id="entry-point"),
        pytest.param("FROM a\nENTRYPOINT a b", {"entrypoint": (*SHELL, "a b")}, id="entry-point-by-the-shell"),
        pytest.param(
            'FROM a\nSHELL ["bash", "-c"]\nCMD a $b', {"command": ("bash", "-c", "a $b")}, id="command-by-another-shell"
        ),
        pytest.param(
            'FROM a\nCMD ["c"]\nENTRYPOINT ["e"]',
            {"command": ("c",), "entrypoint": ("e",)},
            id="command-then-entry-point",
        ),
        pytest.param(
            'FROM a AS b\nCMD ["c"]\nFROM b\nENTRYPOINT ["e"]',
            {"entrypoint": ("e",)},
            id="entry-point-drops-the-bases-command",
        ),
        pytest.param("FROM a\nEXPOSE 80 5001/tcp\nEXPOSE 80", {"exposes": (80, 5001)}, id="ports"),
        pytest.param("FROM a\nEXPOSE 8000-8002/udp", {"exposes": (8000, 8001, 8002)}, id="range-of-ports"),
        pytest.param("FROM a\nARG P=1\nEXPOSE $P", {"exposes": (1,)}, id="port-of-an-argument"),
        pytest.param("FROM a\nARG P\nEXPOSE $P x", {}, id="port-that-cannot-be-told"),
        pytest.param(f"FROM a\nEXPOSE 70000 {'1' * 5000}", {}, id="no-port"),
        pytest.param(
            "FROM a\nENV A=1 B='x y'\nENV C d e", {"environment": {"A": "1", "B": "x y", "C": "d e"}}, id="variables"
        ),
        pytest.param(
            "FROM a\nENV A=1\nENV B=$A/${A:-2}", {"environment": {"A": "1", "B": "1/1"}}, id="variable-of-another"
        ),
        pytest.param("FROM a\nENV P=/x:$PATH", {}, id="variable-of-the-base-image"),
        pytest.param("FROM a\nENV A=1\nENV A=$PATH\nENV B=$A", {}, id="known-value-is-lost"),
        pytest.param("FROM a\nARG S\nENV S=$S", {}, id="argument-without-default"),
        pytest.param('FROM a\nARG S=""\nENV S="$S"', {"environment": {"S": ""}}, id="argument-with-empty-default"),
        pytest.param(
            "ARG S=1\nFROM a\nARG S\nENV T=$S", {"environment": {"T": "1"}}, id="global-argument-declared-again"
        ),
        pytest.param("ARG S=1\nFROM a\nENV T=$S", {}, id="global-argument-not-declared-again"),
        pytest.param(
            "FROM a AS b\nARG S=1\nENV E=e\nFROM b\nENV T=$S$E",
            {"environment": {"E": "e", "T": "1e"}},
            id="inherited-scope",
        ),
        pytest.param(
            "FROM a\nENV S=e\nARG S=a\nENV T=$S", {"environment": {"S": "e", "T": "e"}}, id="variable-hides-argument"
        ),
        pytest.param("FROM a\nRUN <<X\nUSER one\nX", {}, id="heredoc-is-no-instruction"),
    ],
)
def test_find_configuration(text, expected):
    assert configuration(text) == ImageConfiguration(**expected)


def test_build_arguments_take_the_place_of_defaults():
    text = "FROM a\nARG uid=1\nARG sha\nENV SHA=$sha\nUSER $uid"
    assert configuration(text, uid="2", sha="f") == ImageConfiguration(user="2", environment={"SHA": "f"})


def test_another_target():
    assert configuration("FROM a AS one\nUSER 1\nFROM a AS two\nUSER 2", target="one").user == "1"
