# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_args import check_declared
from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile

#: As Dify's is made: an argument for the base, one in the last stage, and one of a stage that is not built.
DOCKERFILE = parse_dockerfile(
    "ARG BASE=python\nFROM $BASE AS base\nFROM base AS other\nARG DEBUG\nFROM base\nARG COMMIT_SHA dify_uid=1001\n"
)


@pytest.mark.parametrize(
    "args, target",
    [
        pytest.param({}, None, id="none"),
        pytest.param({"dify_uid": "1002"}, None, id="of-the-stage"),
        pytest.param({"BASE": "x"}, None, id="of-a-base"),
        pytest.param({"DEBUG": "1"}, "other", id="of-the-target"),
        pytest.param({"COMMIT_SHA": "x", "SOURCE_DATE_EPOCH": "1"}, "other", id="for-every-image"),
        pytest.param({"https_proxy": "x", "NO_PROXY": "x", "BUILDKIT_INLINE_CACHE": "1"}, None, id="buildkits-own"),
        pytest.param({"TARGETARCH": "arm64"}, None, id="the-platforms"),
    ],
)
def test_what_has_an_effect(args, target):
    check_declared("api", args, DOCKERFILE, target)


@pytest.mark.parametrize(
    "args, target, words",
    [
        pytest.param({"DIFY_UID": "1"}, None, "args of api has DIFY_UID, .* for BASE, COMMIT_SHA, dify_uid", id="case"),
        pytest.param({"Z": "", "DEBUG": "1", "A": ""}, None, "args of api has A, DEBUG, Z, and", id="all-in-order"),
        pytest.param({"dify_uid": "1"}, "other", "ARG lines only for BASE, DEBUG", id="another-target"),
    ],
)
def test_what_has_none_is_refused(args, target, words):
    with pytest.raises(CollectionError, match=words):
        check_declared("api", args, DOCKERFILE, target)


def test_a_dockerfile_without_arguments():
    """The guide's mirror ARGs: no release has them, and a build that is given them is green and asks the old places."""
    with pytest.raises(CollectionError, match="ARG lines for none.*Mirrors and proxies go by options of their own"):
        check_declared("api", {"PIP_MIRROR_URL": "x"}, parse_dockerfile("FROM a\n"), None)
