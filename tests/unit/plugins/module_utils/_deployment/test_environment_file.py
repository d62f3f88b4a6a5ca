# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment_file import (
    line_of,
    parse_environment,
    references,
    resolve_environment,
    with_values,
)


@pytest.mark.parametrize(
    "text, values",
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("A=1\nB=2\n", {"A": "1", "B": "2"}, id="lines"),
        pytest.param("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}, id="windows-lines"),
        pytest.param("A=", {"A": ""}, id="empty"),
        pytest.param("A", {}, id="name-alone"),
        pytest.param("A: 1", {"A": "1"}, id="colon"),
        pytest.param("  A = 1  ", {"A": "1"}, id="spaces-around"),
        pytest.param("export A=1", {"A": "1"}, id="export"),
        pytest.param("exported=1", {"exported": "1"}, id="a-name-that-begins-like-export"),
        pytest.param("A=1\nA=2", {"A": "2"}, id="the-last-one-wins"),
        pytest.param("# A=1\n  # B=2", {}, id="comments"),
        pytest.param("A=1 # one", {"A": "1"}, id="comment-behind"),
        pytest.param("A=# none", {"A": ""}, id="comment-alone-behind"),
        pytest.param("A=a#b", {"A": "a#b"}, id="a-number-sign-within-a-word"),
        pytest.param("A=a=b", {"A": "a=b"}, id="equals-sign-in-the-value"),
        pytest.param("A=redis://:x@redis:6379/1", {"A": "redis://:x@redis:6379/1"}, id="address"),
        pytest.param("A=%Y-%m-%d %H:%M:%S", {"A": "%Y-%m-%d %H:%M:%S"}, id="space-within"),
        pytest.param("A='a # b'", {"A": "a # b"}, id="single-quotes"),
        pytest.param("A='a' # b", {"A": "a"}, id="comment-behind-quotes"),
        pytest.param(r"A='a\'b'", {"A": "a'b"}, id="quote-within-quotes"),
        pytest.param(r"A='a\nb'", {"A": r"a\nb"}, id="single-quotes-have-no-escapes"),
        pytest.param('A="a # b"', {"A": "a # b"}, id="double-quotes"),
        pytest.param(r'A="a\"b\\c"', {"A": 'a"b\\c'}, id="escapes-in-double-quotes"),
        pytest.param(r'A="a\nb\tc"', {"A": "a\nb\tc"}, id="line-and-tab-in-double-quotes"),
        pytest.param(r'A="a\db"', {"A": r"a\db"}, id="a-backslash-before-another-letter-stays"),
        pytest.param('A="it\'s"', {"A": "it's"}, id="other-quote-within"),
        pytest.param("A='open", {"A": "'open"}, id="quote-that-is-not-closed"),
        pytest.param("A=${B}-$C", {"A": "${B}-$C"}, id="references-stay"),
        pytest.param("1A=1\nA-B C=2", {}, id="no-names"),
    ],
)
def test_parse_environment(text, values):
    assert parse_environment(text) == values


@pytest.mark.parametrize(
    "value, line",
    [
        pytest.param("", "A=", id="empty"),
        pytest.param("a1_./:@%+,=-", "A=a1_./:@%+,=-", id="plain"),
        pytest.param("a b", "A='a b'", id="space"),
        pytest.param("a#b", "A='a#b'", id="number-sign"),
        pytest.param("$a", "A='$a'", id="dollar-sign"),
        pytest.param('a"b', "A='a\"b'", id="double-quote"),
        pytest.param("a\\b", "A='a\\b'", id="backslash"),
        pytest.param("a'b", 'A="a\'b"', id="single-quote"),
        pytest.param("'$\"\\", 'A="\'\\$\\"\\\\"', id="all-of-them"),
        pytest.param("ä", "A='ä'", id="other-letters"),
    ],
)
def test_line_of(value, line):
    assert line_of("A", value) == line


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" a ", id="spaces-around"),
        pytest.param("# a", id="comment"),
        pytest.param("${A:-b} $$ $c", id="references"),
        pytest.param("it's", id="single-quote"),
        pytest.param("'a'", id="in-single-quotes"),
        pytest.param('"a"', id="in-double-quotes"),
        pytest.param(r"it's \n \" \$x", id="single-quote-and-escapes"),
        pytest.param("a\\", id="backslash-at-the-end"),
        pytest.param("a\\\\", id="two-backslashes-at-the-end"),
        pytest.param("it's\\", id="single-quote-and-backslash-at-the-end"),
        pytest.param("a\tb", id="tab"),
        pytest.param("a\u2028b", id="separator-that-is-no-line-for-compose"),
    ],
)
def test_what_is_written_is_read(value):
    assert parse_environment(line_of("A", value)) == {"A": value}


@pytest.mark.parametrize(
    "key, value, message",
    [
        pytest.param("A-B", "", "'A-B' is no name of an environment variable", id="dash"),
        pytest.param("1A", "", "'1A' is no name", id="digit-first"),
        pytest.param("", "", "'' is no name", id="no-name"),
        pytest.param("Ä", "", "'Ä' is no name", id="other-letters"),
        pytest.param("A", "a\nb", "The value of A has several lines", id="line-feed"),
        pytest.param("A", "a\rb", "The value of A has several lines", id="carriage-return"),
    ],
)
def test_what_cannot_be_written(key, value, message):
    with pytest.raises(CollectionError, match=message):
        line_of(key, value)


def test_a_refused_value_is_not_told():
    with pytest.raises(CollectionError) as raised:
        line_of("SECRET_KEY", "throw\naway")
    assert "throw" not in raised.value.msg


@pytest.mark.parametrize(
    "text, values, result",
    [
        pytest.param("# a\nA=1\n\nB=2\n", {}, "# a\nA=1\n\nB=2\n", id="nothing-of-ours"),
        pytest.param("# a\nA=1\nB=2\n", {"A": "x y"}, "# a\nA='x y'\nB=2\n", id="in-its-place"),
        pytest.param("A=1", {"B": "2"}, "A=1\n\n# ours\nB=2\n", id="at-the-end"),
        pytest.param("", {"B": "2", "A": "1"}, "# ours\nA=1\nB=2\n", id="alone-and-sorted"),
        pytest.param("# A=1\n", {"A": "2"}, "# A=1\n\n# ours\nA=2\n", id="a-comment-is-no-place"),
        pytest.param("A=1\nA=2\n", {"A": "3"}, "A=3\nA=3\n", id="set-twice"),
        pytest.param("export A=1 # one\n", {"A": "2"}, "A=2\n", id="exported"),
        pytest.param("A=1\r\nB=2\r\n", {"A": "3"}, "A=3\nB=2\n", id="windows-lines"),
        pytest.param("AB=1\n", {"A": "2"}, "AB=1\n\n# ours\nA=2\n", id="longer-name"),
    ],
)
def test_with_values(text, values, result):
    assert with_values(text, values, "ours") == result


def test_writing_again_changes_nothing():
    once = with_values("A=1\n", {"A": "$2", "B": "it's"}, "ours")
    assert with_values(once, {"A": "$2", "B": "it's"}, "ours") == once


@pytest.mark.parametrize(
    "text, names, defaults",
    [
        pytest.param("a: b", set(), {}, id="none"),
        pytest.param("$A", {"A"}, {}, id="bare"),
        pytest.param("${A}", {"A"}, {}, id="braces"),
        pytest.param("${A:-b}", {"A"}, {"A": "b"}, id="default-when-empty"),
        pytest.param("${A-b}", {"A"}, {"A": "b"}, id="default-when-unset"),
        pytest.param("${A:-}", {"A"}, {}, id="empty-default"),
        pytest.param("${A:-http://a:80/b c}", {"A"}, {"A": "http://a:80/b c"}, id="address-as-default"),
        pytest.param("${A:?give it}", {"A"}, {}, id="required"),
        pytest.param("${A:-${B:-c}}", {"A", "B"}, {"B": "c"}, id="nested"),
        pytest.param("${A:-x${B}}", {"A", "B"}, {}, id="default-with-a-reference"),
        pytest.param("${A}:${B:-1}/$C.d", {"A", "B", "C"}, {"B": "1"}, id="several"),
        pytest.param("${A:-1} ${A:-2}", {"A"}, {"A": "1"}, id="the-first-default"),
        pytest.param("$$A $${B}", set(), {}, id="dollar-signs"),
        pytest.param("$$$A", {"A"}, {}, id="dollar-sign-before-a-reference"),
        pytest.param("$1 $ a", set(), {}, id="no-name"),
    ],
)
def test_references(text, names, defaults):
    assert references(text) == (names, defaults)


@pytest.mark.parametrize(
    "value, result",
    [
        pytest.param("x", "x", id="no-reference"),
        pytest.param("${B}", "b", id="braces"),
        pytest.param("$B", "b", id="bare"),
        pytest.param("x/$B", "x/b", id="bare-within"),
        pytest.param("$B$BC", "bc", id="bare-beside-a-longer-name"),
        pytest.param("${B}/${BC}/${B}", "b/c/b", id="several"),
        pytest.param("${NONE}x", "x", id="missing-is-empty"),
        pytest.param("${NONE:-d}", "d", id="default-of-a-missing-one"),
        pytest.param("${EMPTY:-d}", "d", id="default-of-an-empty-one"),
        pytest.param("${EMPTY-d}", "", id="empty-is-set"),
        pytest.param("${B:-d}", "b", id="default-that-is-not-needed"),
        pytest.param("${NONE:-${B}}", "b", id="nested"),
        pytest.param("${OTHER}", "b", id="over-another"),
        pytest.param("a$$b", "a$b", id="dollar-sign"),
        pytest.param("100$", "100$", id="dollar-sign-at-the-end"),
        pytest.param("x${A}", "x", id="itself-is-empty"),
    ],
)
def test_resolve_environment(value, result):
    assert resolve_environment(f"B=b\nBC=c\nEMPTY=\nOTHER=${{B}}\nA={value}\n")["A"] == result


@pytest.mark.parametrize(
    "texts, values",
    [
        pytest.param(("B=b", "A='${B}$'"), {"A": "${B}$", "B": "b"}, id="literal-in-single-quotes"),
        pytest.param(("B=b", 'A="${B}"'), {"A": "b", "B": "b"}, id="replaced-in-double-quotes"),
        pytest.param(("B=b", r'A="\$B"'), {"A": "$B", "B": "b"}, id="escaped-dollar-sign"),
        pytest.param(("A=1\nB=${A}", "A=2"), {"A": "2", "B": "1"}, id="a-later-file-wins"),
        pytest.param(("A=${B}\nB=${A}x",), {"A": "", "B": "x"}, id="only-what-was-set-before"),
    ],
)
def test_resolve_several_files(texts, values):
    assert resolve_environment(*texts) == values
