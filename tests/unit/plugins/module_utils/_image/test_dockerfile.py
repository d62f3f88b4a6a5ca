# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile, without_syntax

MULTI_STAGE = """\
# syntax=docker/dockerfile:1.7
ARG VARIANT=slim
FROM python:3.11-${VARIANT} AS base
FROM base AS packages
COPY requirements.txt .
RUN --mount=type=bind,from=tools:1,target=/t pip install \\
    # a comment between continued lines
    -r requirements.txt
FROM scratch AS export
COPY --from=packages /venv /venv
FROM base AS production
COPY --from=packages /venv /venv
COPY --from=busybox:1.36 /bin/sh /bin/sh
COPY . /app
"""


@pytest.mark.parametrize(
    "text, args, target, names",
    [
        pytest.param("FROM a", {}, None, ("a",), id="one-base"),
        pytest.param("FROM a AS b\nFROM b", {}, None, ("a",), id="stage-is-no-image"),
        pytest.param("from a as B\nfrom b", {}, None, ("a",), id="keywords-and-stages-ignore-case"),
        pytest.param("FROM scratch", {}, None, (), id="scratch-is-no-image"),
        pytest.param("FROM --platform=$BUILDPLATFORM a", {}, None, ("a",), id="platform-flag"),
        pytest.param("FROM a\nCOPY --from=0 x y", {}, None, ("a",), id="stage-by-number"),
        pytest.param("ARG V=1\nFROM a:$V", {}, None, ("a:1",), id="default-argument"),
        pytest.param("ARG V=1\nFROM a:$V", {"V": "2"}, None, ("a:2",), id="given-argument"),
        pytest.param("ARG V\nFROM a:${V:-3}", {}, None, ("a:3",), id="default-in-the-variable"),
        pytest.param("ARG V=\nFROM a${V:+-x}", {}, None, ("a",), id="alternative-of-an-empty-argument"),
        pytest.param("ARG V=1\nARG W=$V.2\nFROM a:$W", {}, None, ("a:1.2",), id="argument-of-an-argument"),
        pytest.param("FROM a-$TARGETARCH", {"TARGETARCH": "arm64"}, None, ("a-arm64",), id="platform-argument"),
        pytest.param(MULTI_STAGE, {}, None, ("busybox:1.36", "python:3.11-slim", "tools:1"), id="copy-and-mount"),
        pytest.param(MULTI_STAGE, {}, "packages", ("python:3.11-slim", "tools:1"), id="only-what-the-target-reaches"),
        pytest.param(MULTI_STAGE, {}, "export", ("python:3.11-slim", "tools:1"), id="reached-through-copy"),
        pytest.param("# escape=`\nFROM a`\n:1\nRUN x", {}, None, ("a:1",), id="escape-directive"),
        pytest.param("FROM a\nRUN <<EOF\nFROM b\nEOF\nRUN x", {}, None, ("a",), id="heredoc-is-no-instruction"),
        pytest.param("FROM a\nCOPY <<X /x\nFROM b\nX", {}, None, ("a",), id="heredoc-file"),
        pytest.param("\n# x\n\nFROM a", {}, None, ("a",), id="comments-and-blank-lines"),
    ],
)
def test_base_names(text, args, target, names):
    assert parse_dockerfile(text).base_names(args, target) == names


@pytest.mark.parametrize(
    "text, paths",
    [
        pytest.param("FROM a\nCOPY b c d", ("b", "c"), id="all-but-the-last"),
        pytest.param('FROM a\nCOPY ["b x", "d"]', ("b x",), id="json-form"),
        pytest.param("FROM a\nCOPY --chown=1:1 ./b/ /d", ("b",), id="flags-and-dots"),
        pytest.param("FROM a\nCOPY --from=0 b d", (), id="from-a-stage"),
        pytest.param("FROM a\nADD https://x/y /d", (), id="from-the-network"),
        pytest.param("FROM a\nCOPY . .", (".",), id="everything"),
        pytest.param("FROM a\nARG X=b\nCOPY $X d", ("b",), id="argument-with-default"),
        pytest.param("FROM a\nARG X\nCOPY $X d", None, id="argument-without-value"),
        pytest.param("FROM a\nENV X=b\nCOPY ${X}/c d", ("b/c",), id="environment"),
        pytest.param("ARG X=b\nFROM a\nARG X\nCOPY $X d", ("b",), id="global-argument-declared-again"),
        pytest.param("FROM a\nRUN --mount=type=bind,source=b,target=/b x", ("b",), id="bind-mount"),
        pytest.param("FROM a\nRUN --mount=type=bind,target=/b x", (".",), id="bind-mount-of-everything"),
        pytest.param("FROM a\nRUN --mount=type=cache,target=/c x", (), id="cache-mount"),
        pytest.param("FROM a\nCOPY <<E /x\nCOPY y z\nE", (), id="heredoc"),
    ],
)
def test_copied_paths(text, paths):
    assert parse_dockerfile(text).copied_paths({}) == paths


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("", "no FROM", id="empty"),
        pytest.param("RUN x\nFROM a", "before the first FROM", id="run-before-from"),
        pytest.param("FROM a b", "not FROM image", id="two-words"),
        pytest.param("FROM", "not FROM image", id="no-word"),
    ],
)
def test_malformed(text, message):
    with pytest.raises(CollectionError, match=message):
        parse_dockerfile(text)


def test_base_without_value_says_what_to_do():
    with pytest.raises(CollectionError, match="Give it in args"):
        parse_dockerfile("ARG V\nFROM a:$V").base_names({})


def test_unknown_target_names_the_stages():
    with pytest.raises(CollectionError, match="base, packages, export, production"):
        parse_dockerfile(MULTI_STAGE).base_names({}, "prod")


def test_declared_arguments_and_syntax():
    parsed = parse_dockerfile(MULTI_STAGE + "ARG COMMIT_SHA UID=1\n")
    assert parsed.declared_arguments({}) == {"VARIANT", "COMMIT_SHA", "UID"}
    assert parsed.declared_arguments({}, "packages") == {"VARIANT"}
    assert parsed.syntax == "docker/dockerfile:1.7"


@pytest.mark.parametrize(
    "text, result",
    [
        pytest.param("# syntax=docker/dockerfile:1\nFROM a\n", "# \nFROM a\n", id="first-line"),
        pytest.param("# escape=`\n#SYNTAX = x\nFROM a\n", "# escape=`\n# \nFROM a\n", id="after-another"),
        pytest.param(
            "# a comment\n# syntax=x\nFROM a\n", "# a comment\n# syntax=x\nFROM a\n", id="a-comment-ends-them"
        ),
        pytest.param("FROM a\n", "FROM a\n", id="none"),
    ],
)
def test_without_syntax(text, result):
    assert without_syntax(text) == result
    if "syntax=x" not in text:
        assert parse_dockerfile(result).syntax is None


@pytest.mark.parametrize(
    "text, target, name",
    [
        pytest.param(MULTI_STAGE, None, "python:3.11-slim", id="through-stages"),
        pytest.param(MULTI_STAGE, "export", None, id="from-nothing"),
        pytest.param("FROM a\nFROM b\nCOPY --from=0 x y", None, "b", id="what-is-copied-from-is-no-base"),
    ],
)
def test_base_name(text, target, name):
    assert parse_dockerfile(text).base_name({}, target) == name
