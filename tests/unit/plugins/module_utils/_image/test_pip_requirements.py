# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.pip_requirements import (
    Requirement,
    normalised,
    parse_packages,
    parse_requirements_file,
    require_hashes,
)

SHA = "sha256:" + 64 * "a"


@pytest.mark.parametrize(
    "text, requirement",
    [
        pytest.param("six", Requirement("six", "six"), id="a-name"),
        pytest.param(" six == 1.16.0 ", Requirement("six", "six == 1.16.0"), id="spaces"),
        pytest.param("requests[socks]>=2,<3", Requirement("requests", "requests[socks]>=2,<3"), id="extras-and-versions"),
        pytest.param("a.b_c-d~=1", Requirement("a.b_c-d", "a.b_c-d~=1"), id="a-name-with-all-that-names-may-have"),
        pytest.param(
            "tomli; python_version < '3.11'",
            Requirement("tomli", "tomli; python_version < '3.11'", conditional=True),
            id="a-marker",
        ),
        pytest.param(
            "ours @ https://example.com/ours-1.whl",
            Requirement("ours", "ours @ https://example.com/ours-1.whl"),
            id="an-address",
        ),
        pytest.param(
            f"six==1 --hash={SHA} --hash={SHA}", Requirement("six", f"six==1 --hash={SHA} --hash={SHA}", hashed=True), id="hashes"
        ),
    ],
)  # fmt: skip
def test_packages(text, requirement):
    assert parse_packages([text]) == (requirement,)


@pytest.mark.parametrize(
    "text, words",
    [
        pytest.param("", "has '', which is no package", id="empty"),
        pytest.param("-r other.txt", "no package", id="an-option"),
        pytest.param("--index-url=https://example.com six", "no package", id="a-long-option"),
        pytest.param("six --no-deps x", "no package", id="an-option-behind"),
        pytest.param("six\n--index-url https://example.com", "no package", id="a-line-break"),
        pytest.param("six requests", "no package", id="two-in-one"),
        pytest.param("./six.whl", "no package", id="a-path"),
        pytest.param("https://example.com/six.whl", "name @ https", id="an-address-without-name"),
        pytest.param("six; $(touch /tmp/x)\x00", "no package", id="a-nul"),
        pytest.param("ours @ https://me:hunter2@example.com/x.whl", "'ours @ https://…@example.com", id="a-password"),
        pytest.param("größe", "no package", id="not-ascii"),
    ],
)
def test_what_is_no_package(text, words):
    with pytest.raises(CollectionError) as error:
        parse_packages(["requests", text])
    assert words in error.value.msg
    assert "pip_packages" in error.value.msg
    assert "hunter2" not in error.value.msg


def test_a_requirements_file():
    content = f"""\ufeff# locked
--index-url https://example.com/simple
-i https://example.com/simple
--only-binary=:all:

six==1.16.0 \\
    --hash={SHA} \\
    --hash={SHA}
    # via nothing
tomli==2.0.1 ; python_version < "3.11"  # a comment
ours @ https://example.com/ours.whl#sha256=aa
--extra-index-url https://me:${{PASSWORD}}@example.com/simple
"""
    parsed = parse_requirements_file(content.replace("\n", "\r\n").encode())
    assert [(one.name, one.conditional, one.hashed) for one in parsed] == [
        ("six", False, True),
        ("tomli", True, False),
        ("ours", False, False),
    ]


@pytest.mark.parametrize(
    "content, words",
    [
        pytest.param(b"six\n-r other.txt\n", "'-r other.txt', which names another file", id="includes"),
        pytest.param(b"six\n-rother.txt\n", "names another file", id="includes-without-a-space"),
        pytest.param(b"--constraint=other.txt\n", "names another file", id="constraints"),
        pytest.param(b"-e .\n", "names another file", id="editable"),
        pytest.param(
            b"--target /\nsix\n", "neither a package nor one of -i, --index-url", id="an-option-of-the-command"
        ),
        pytest.param(b"# nothing\n", "names no package", id="nothing"),
        pytest.param(b"\xff\xfe", "no text in UTF-8", id="no-text"),
        pytest.param(b"--index-url https://me:hunter2@example.com/simple\nsix\n", "password", id="a-password"),
        pytest.param(b"./six.whl\n", "has './six.whl', which is no package", id="a-path"),
    ],
)
def test_requirements_files_that_cannot_be(content, words):
    with pytest.raises(CollectionError) as error:
        parse_requirements_file(content)
    assert words in error.value.msg
    assert "pip_requirements" in error.value.msg
    assert "hunter2" not in error.value.msg


def test_hashes_are_asked_of_every_package():
    require_hashes(parse_packages([f"six==1 --hash={SHA}"]))
    with pytest.raises(CollectionError, match="and requests, tomli have no --hash"):
        require_hashes(parse_packages([f"six==1 --hash={SHA}", "requests", "tomli==1"]))
    with pytest.raises(CollectionError, match="there is no package"):
        require_hashes(())


def test_one_name_has_many_spellings():
    assert {normalised(name) for name in ("Flask_Login", "flask-login", "flask.-login")} == {"flask-login"}
