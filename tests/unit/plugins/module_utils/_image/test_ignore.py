# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import parse_ignore


@pytest.mark.parametrize(
    "text, path, excluded",
    [
        pytest.param("", "a", False, id="no-rules"),
        pytest.param("a", "a", True, id="name"),
        pytest.param("a", "a/b/c", True, id="whatever-is-below"),
        pytest.param("a", "b/a", False, id="only-at-the-root"),
        pytest.param("/a/", "a", True, id="slashes-around"),
        pytest.param("./a", "a", True, id="dot-before"),
        pytest.param("*/a", "b/a", True, id="star-is-one-folder"),
        pytest.param("*/a", "b/c/a", False, id="star-is-not-two"),
        pytest.param("**/a", "a", True, id="two-stars-are-none"),
        pytest.param("**/a", "b/c/a", True, id="two-stars-are-many"),
        pytest.param("a/**", "a/b", True, id="two-stars-at-the-end"),
        pytest.param("**", "a/b", True, id="everything"),
        pytest.param("*.md", "README.md", True, id="suffix"),
        pytest.param("*.md", "docs/README.md", False, id="suffix-at-the-root-only"),
        pytest.param("*.md\n!README.md", "README.md", False, id="exception"),
        pytest.param("!README.md\n*.md", "README.md", True, id="the-last-one-wins"),
        pytest.param("a\n!a/b", "a/b", False, id="exception-below-an-excluded-folder"),
        pytest.param("a\n!a/b", "a/c", True, id="and-not-its-neighbour"),
        pytest.param("a?", "ab", True, id="question-mark"),
        pytest.param("[a-c]x", "bx", True, id="class"),
        pytest.param("[^a-c]x", "bx", False, id="negated-class"),
        pytest.param("a\\*", "a*", True, id="escaped-star"),
        pytest.param("a\\*", "ab", False, id="escaped-star-is-no-star"),
        pytest.param("# a\na", "a", True, id="comment"),
        pytest.param("#a", "#a", False, id="comment-hides-the-name"),
        pytest.param("  a  ", "a", True, id="spaces-around"),
        pytest.param("\ufeffa", "a", True, id="byte-order-mark"),
        pytest.param("a\r\nb\r\n", "a", True, id="windows-lines"),
        pytest.param("a.b", "axb", False, id="a-dot-is-a-dot"),
    ],
)
def test_excludes(text, path, excluded):
    assert parse_ignore(text).excludes(path) is excluded


@pytest.mark.parametrize("text", ["!", "[a-", "[]a"], ids=["exception-of-nothing", "open-class", "empty-class"])
def test_malformed(text):
    with pytest.raises(CollectionError, match="ignore file"):
        parse_ignore(text)


@pytest.mark.parametrize(
    "text, whitelist",
    [
        pytest.param("*\n!a", True, id="star-first"),
        pytest.param("**\n!a", True, id="two-stars-first"),
        pytest.param("a\n*", False, id="star-later"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_is_whitelist(text, whitelist):
    assert parse_ignore(text).is_whitelist is whitelist
