# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.toml import parse_toml, render_toml
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@pytest.mark.parametrize(
    "document, text",
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"debug": True, "trace": False}, "debug = true\ntrace = false\n", id="booleans"),
        pytest.param({"gid": -5, "ratio": 1.5, "big": 1e30}, "gid = -5\nratio = 1.5\nbig = 1e+30\n", id="numbers"),
        pytest.param(
            {"a": 'q"u\\o\te\nπ\x01\x7f'}, 'a = "q\\"u\\\\o\\te\\nπ\\u0001\\u007f"\n', id="characters-to-escape"
        ),
        pytest.param({"a": [], "b": [[1, 2], ["x"]]}, 'a = []\nb = [[1, 2], ["x"]]\n', id="arrays"),
        pytest.param({"a": None, "b": 1}, "b = 1\n", id="none-is-left-out"),
        pytest.param({"a": {}}, "[a]\n", id="empty-table"),
        pytest.param(
            {"registry": {"reg.local:5000": {"http": True}}},
            '[registry]\n\n[registry."reg.local:5000"]\nhttp = true\n',
            id="registry-host-is-quoted",
        ),
        pytest.param({"a b": 1, "": 2}, '"a b" = 1\n"" = 2\n', id="keys-that-are-not-bare"),
        pytest.param({"t": {"a": 1}, "late": 2}, "late = 2\n\n[t]\na = 1\n", id="values-come-before-tables"),
        pytest.param(
            {"w": {"p": [{"all": True}, {"n": 1}]}},
            "[w]\n\n[[w.p]]\nall = true\n\n[[w.p]]\nn = 1\n",
            id="array-of-tables",
        ),
    ],
)
def test_render(document, text):
    assert render_toml(document) == text
    assert parse_toml(text) == {key: value for key, value in document.items() if value is not None}


@pytest.mark.parametrize(
    "text, document",
    [
        pytest.param("  a = 1 # why\n# alone\n\n b=2", {"a": 1, "b": 2}, id="comments-and-indentation"),
        pytest.param("a.b.c = 1\na.b.d = 2\n", {"a": {"b": {"c": 1, "d": 2}}}, id="dotted-keys"),
        pytest.param("a = 'C:\\x'\n", {"a": "C:\\x"}, id="literal-string"),
        pytest.param("a = [\n 1, # one\n 2,\n]\n", {"a": [1, 2]}, id="array-over-lines"),
        pytest.param("a = { b = 1, c = { d = [2] } }\n", {"a": {"b": 1, "c": {"d": [2]}}}, id="inline-tables"),
        pytest.param("a = 1979-05-27T07:32:00Z\n", {"a": "1979-05-27T07:32:00Z"}, id="date-stays-text"),
        pytest.param("a = 1_000\nb = 2.5e3\n", {"a": 1000, "b": 2500.0}, id="numbers-with-underscore-and-exponent"),
        pytest.param('a = "\\U0001F600"\n', {"a": "\N{GRINNING FACE}"}, id="long-escape"),
        pytest.param("[[a]]\n[a.b]\nc = 1\n[[a]]\n", {"a": [{"b": {"c": 1}}, {}]}, id="table-in-array-of-tables"),
    ],
)
def test_parse(text, document):
    assert parse_toml(text) == document


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("a = 1\nb", "line 2: a key without =", id="no-value"),
        pytest.param("a = \n", "line 1: a value is missing", id="empty-value"),
        pytest.param("a = 1 2\n", "line 1: more than one thing on a line", id="two-values"),
        pytest.param("a = 1\na = 2\n", "line 2: the key a stands twice", id="repeated-key"),
        pytest.param("a = 1\n[a]\n", "the key a is no table", id="value-as-table"),
        pytest.param('a = "\\q"\n', "has an escape that is none", id="unknown-escape"),
        pytest.param('a = "x\n', "a string is missing", id="open-string"),
        pytest.param("a = [1 2]\n", "an array without its end", id="array-without-comma"),
        pytest.param("a = {b = 1 c = 2}\n", "an inline table without its end", id="inline-table-without-comma"),
        pytest.param("[a]\n[[a]]\n", "the key a is no array of tables", id="table-as-array"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(CollectionError) as refused:
        parse_toml(text)
    assert message in refused.value.msg


def test_render_names_the_place_of_a_value_without_a_form():
    with pytest.raises(CollectionError) as refused:
        render_toml({"registry": {"docker.io": {"mirrors": [{"a": 1}, "b"]}}})
    assert refused.value.msg.startswith("registry.docker.io.mirrors is a dict")
