# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.mirrors import (
    Mirrors,
    files_beside,
    parse_mirrors,
    passwords_of,
    without_user_info,
)


@pytest.mark.parametrize(
    "values, mirrors",
    [
        pytest.param(None, Mirrors(), id="none"),
        pytest.param({"pip": ""}, Mirrors(), id="an-empty-address-is-none"),
        pytest.param(
            {"pip": "https://m.example/pypi/simple/"},
            Mirrors(pip="https://m.example/pypi/simple", pip_files="https://m.example/pypi/packages"),
            id="files-lie-beside-the-index",
        ),
        pytest.param(
            {"pip": "https://m.example/simple", "pip_files": "https://files.example/p"},
            Mirrors(pip="https://m.example/simple", pip_files="https://files.example/p"),
            id="files-elsewhere",
        ),
        pytest.param({"go": "https://g.example,direct"}, Mirrors(go="https://g.example,direct"), id="go-takes-several"),
        pytest.param(
            {"npm": "https://u:p@m.example/npm"}, Mirrors(npm="https://u:p@m.example/npm"), id="with-a-password"
        ),
    ],
)
def test_parse_mirrors(values, mirrors):
    assert parse_mirrors(values) == mirrors


def test_a_preset_is_changed_by_what_stands_beside_it():
    found = parse_mirrors({"preset": "cn", "npm": "https://npm.example"})
    assert found.npm == "https://npm.example"
    assert found.pip == parse_mirrors({"preset": "cn"}).pip
    assert found.pip_files == files_beside(found.pip)


@pytest.mark.parametrize(
    "values, message",
    [
        pytest.param({"pypi": "https://m.example"}, "mirrors has pypi; known are preset, pip", id="unknown-key"),
        pytest.param({"preset": "eu"}, "known are cn", id="unknown-preset"),
        pytest.param({"pip": "m.example/simple"}, "mirrors.pip is 'm.example/simple'", id="no-scheme"),
        pytest.param({"apt": "ftp://m.example"}, "no http or https address", id="other-scheme"),
        pytest.param({"npm": "https://"}, "no http or https address", id="no-host"),
        pytest.param({"npm": "https://m.example/#x"}, "no http or https address", id="a-sign-that-shells-read"),
        pytest.param({"npm": "https://m.example/\nx"}, "no http or https address", id="line-break"),
        pytest.param({"pip": "https://u:geheim@ m.example"}, "no http or https address", id="space"),
        pytest.param({"go": "https://g.example,off,x"}, "mirrors.go", id="one-of-several"),
    ],
)
def test_parse_mirrors_refuses(values, message):
    with pytest.raises(CollectionError) as error:
        parse_mirrors(values)
    assert message in error.value.msg
    assert "geheim" not in error.value.msg


def test_passwords_are_found_to_be_masked():
    assert passwords_of(Mirrors(pip="https://u:one@m.example", go="https://u:two@g.example,direct")) == ("one", "two")
    assert passwords_of({"http": "http://u:three@proxy.example:3128", "no_proxy": "a,b"}) == ("three",)
    assert without_user_info("https://u:one@m.example/x") == "https://m.example/x"
