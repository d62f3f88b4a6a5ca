# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment import (
    HEADING,
    MASK,
    Variables,
    as_texts,
    changes,
    check_names,
    masked,
    render_files,
    without_secrets,
)

API_EXAMPLE = "SECRET_KEY=api\nLOG_LEVEL=DEBUG\n"
VARIABLES = Variables(
    {".env.example": "# all\nLOG_LEVEL=INFO\nFILES_URL=\n", "envs/api.env.example": API_EXAMPLE},
    "image: x:${TAG:-1}\nport: ${PORT}\nlevel: ${LOG_LEVEL:-WARN}\n",
)


@pytest.mark.parametrize(
    "key, value",
    [
        pytest.param("TAG", "1", id="of-the-compose-file"),
        pytest.param("LOG_LEVEL", "INFO", id="of-the-example-beside-it"),
        pytest.param("SECRET_KEY", "api", id="of-an-example-below"),
        pytest.param("FILES_URL", "", id="empty"),
        pytest.param("PORT", None, id="none"),
    ],
)
def test_defaults(key, value):
    assert VARIABLES.defaults().get(key) == value


def test_defaults_do_not_depend_on_the_order_of_folders():
    examples = {"envs/b.env.example": "A=b", "envs/a.env.example": "A=a"}
    turned = dict(reversed(examples.items()))
    assert Variables(examples, "").defaults() == Variables(turned, "").defaults()


def test_names():
    assert VARIABLES.names() == {"TAG", "PORT", "LOG_LEVEL", "FILES_URL", "SECRET_KEY"}


@pytest.mark.parametrize(
    "key, files",
    [
        pytest.param("FILES_URL", [".env"], id="beside"),
        pytest.param("SECRET_KEY", ["envs/api.env"], id="below"),
        pytest.param("LOG_LEVEL", [".env", "envs/api.env"], id="both"),
        pytest.param("TAG", [".env"], id="of-the-compose-file-alone"),
    ],
)
def test_files_of(key, files):
    assert VARIABLES.files_of(key) == files


def test_names_that_are_known():
    check_names(VARIABLES, dict.fromkeys(VARIABLES.names(), ""), "environment")


@pytest.mark.parametrize(
    "key, message",
    [
        pytest.param("LOG_LEVLE", r"environment has LOG_LEVLE \(is LOG_LEVEL meant\?\), which neither", id="close"),
        pytest.param("zzzzz", "environment has zzzzz, which neither", id="like-none"),
    ],
)
def test_a_name_that_is_not_known(key, message):
    with pytest.raises(CollectionError, match=message):
        check_names(VARIABLES, {key: "", "TAG": "2"}, "environment")


def test_all_names_that_are_not_known_are_told():
    with pytest.raises(CollectionError, match=r"has qqqqq, zzzzz, which"):
        check_names(VARIABLES, {"zzzzz": "", "qqqqq": ""}, "environment")


@pytest.mark.parametrize(
    "value, text",
    [(True, "true"), (False, "false"), (None, ""), (5, "5"), (1.5, "1.5"), ("True", "True"), ("", "")],
    ids=["yes", "no", "nothing", "number", "fraction", "text-stays", "empty"],
)
def test_as_texts(value, text):
    assert as_texts({"A": value}, "environment") == {"A": text}


@pytest.mark.parametrize("value, kind", [([], "list"), ({}, "dict"), ((), "tuple")], ids=["list", "dict", "tuple"])
def test_no_text(value, kind):
    with pytest.raises(CollectionError, match=f"environment.A must be a text, and is a {kind}"):
        as_texts({"A": value}, "environment")


@pytest.mark.parametrize(
    "values, files",
    [
        pytest.param({}, {".env": "# all\nLOG_LEVEL=INFO\nFILES_URL=\n"}, id="nothing-of-ours"),
        pytest.param({"FILES_URL": "u"}, {".env": "# all\nLOG_LEVEL=INFO\nFILES_URL=u\n"}, id="in-its-place"),
        pytest.param(
            {"PORT": "1"}, {".env": f"# all\nLOG_LEVEL=INFO\nFILES_URL=\n\n# {HEADING}\nPORT=1\n"}, id="at-the-end"
        ),
        pytest.param(
            {"SECRET_KEY": "$s"},
            {".env": "# all\nLOG_LEVEL=INFO\nFILES_URL=\n", "envs/api.env": f"# {HEADING}\nSECRET_KEY='$s'\n"},
            id="below-only-what-is-ours",
        ),
        pytest.param(
            {"LOG_LEVEL": "X"},
            {".env": "# all\nLOG_LEVEL=X\nFILES_URL=\n", "envs/api.env": f"# {HEADING}\nLOG_LEVEL=X\n"},
            id="in-both",
        ),
    ],
)
def test_render_files(values, files):
    assert render_files(VARIABLES, values) == files


@pytest.mark.parametrize(
    "before, after, expected",
    [
        pytest.param({"A": "1"}, {"A": "1"}, {}, id="same"),
        pytest.param({}, {"B": "1", "A": ""}, {"new": ["A", "B"]}, id="new"),
        pytest.param({"B": "1", "A": ""}, {}, {"gone": ["A", "B"]}, id="gone"),
        pytest.param({"A": "1"}, {"A": "2"}, {"changed": {"A": {"before": "1", "after": "2"}}}, id="changed"),
        pytest.param(
            {"DB_PASSWORD": "aaa"},
            {"DB_PASSWORD": "bbb"},
            {"changed": {"DB_PASSWORD": {"before": MASK, "after": MASK}}},
            id="secret",
        ),
        pytest.param(
            {"DB_PASSWORD": ""},
            {"DB_PASSWORD": "bbb"},
            {"changed": {"DB_PASSWORD": {"before": "", "after": MASK}}},
            id="secret-that-was-empty",
        ),
        pytest.param(
            {"URL": "redis://:aaa@h/1"},
            {"URL": "redis://:bbb@i/1"},
            {"changed": {"URL": {"before": f"redis://{MASK}@h/1", "after": f"redis://{MASK}@i/1"}}},
            id="login-in-an-address",
        ),
        pytest.param(
            {"UPLOAD_FILE_LIMIT": "15"},
            {"UPLOAD_FILES_LIMIT": "15"},
            {"renamed": {"UPLOAD_FILE_LIMIT": "UPLOAD_FILES_LIMIT"}},
            id="renamed",
        ),
        pytest.param(
            {"UPLOAD_FILE_LIMIT": "15"},
            {"UPLOAD_FILES_LIMIT": "16"},
            {"gone": ["UPLOAD_FILE_LIMIT"], "new": ["UPLOAD_FILES_LIMIT"]},
            id="alike-with-another-value",
        ),
        pytest.param({"LOG": "1"}, {"PORT": "1"}, {"gone": ["LOG"], "new": ["PORT"]}, id="same-value-by-chance"),
        pytest.param(
            {"LIMIT_A1": "1", "LIMIT_A2": "1"},
            {"LIMIT_A": "1"},
            {"renamed": {"LIMIT_A1": "LIMIT_A"}, "gone": ["LIMIT_A2"]},
            id="one-new-name-is-of-one-old",
        ),
    ],
)
def test_changes(before, after, expected):
    assert changes(before, after) == {"new": [], "gone": [], "renamed": {}, "changed": {}, **expected}


@pytest.mark.parametrize(
    "key, value, shown",
    [
        pytest.param("SECRET_KEY", "x", MASK, id="secret"),
        pytest.param("SECRET_KEY", "", "", id="no-secret-is-shown-as-none"),
        pytest.param("URL", "redis://:pw@redis:6379/1", f"redis://{MASK}@redis:6379/1", id="password"),
        pytest.param("URL", "redis://u:p@w@redis/1", f"redis://{MASK}@redis/1", id="sign-in-the-password"),
        pytest.param("URL", "http://redis/1", "http://redis/1", id="address-without-login"),
        pytest.param("MAIL", "a@b", "a@b", id="mail-address"),
        pytest.param("LOG_LEVEL", "INFO", "INFO", id="other"),
    ],
)
def test_masked(key, value, shown):
    assert masked(key, value) == shown


@pytest.mark.parametrize(
    "text, shown",
    [
        pytest.param("password s3cret-value is wrong", f"password {MASK} is wrong", id="a-secret"),
        pytest.param("level verbose", "level verbose", id="no-secret"),
        pytest.param("x abc y", "x abc y", id="a-short-one"),
        pytest.param("s3cret-value-2", MASK, id="the-longer-one-first"),
    ],
)
def test_without_secrets(text, shown):
    values = {"DB_PASSWORD": "s3cret-value", "SECRET_KEY": "s3cret-value-2", "A_TOKEN": "abc", "LOG_LEVEL": "verbose"}
    assert without_secrets(text, values) == shown
