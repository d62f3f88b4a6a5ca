# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.upstream import Upstream, parse_upstream

PROFILE = {
    "context": "api",
    "dockerfile": "Dockerfile",
    "user": "dify",
    "entrypoint": ["/bin/bash", "/entrypoint.sh"],
    "command": [],
    "virtual_env": "/app/api/.venv",
    "package_manager": "uv",
}


def test_what_of_a_profile_is_read():
    assert parse_upstream("api", PROFILE) == Upstream(
        "api", "dify", ("/bin/bash", "/entrypoint.sh"), (), "/app/api/.venv", uses_uv=True
    )


@pytest.mark.parametrize(
    "changes, words",
    [
        pytest.param({"user": None}, "profile does not tell the user of api", id="no-user"),
        pytest.param({"entrypoint": None}, "profile does not tell the entrypoint of api", id="no-entrypoint"),
        pytest.param({"command": None}, "profile does not tell the command of api", id="no-command"),
        pytest.param({"user": "${dify_uid}"}, "the user '${dify_uid}'", id="a-user-that-is-not-resolved"),
        pytest.param({"user": "dify\nRUN x"}, "the user 'dify\\nRUN x'", id="a-line-break"),
        pytest.param({"entrypoint": "/bin/sh"}, "the entrypoint '/bin/sh', which is no list", id="a-text"),
        pytest.param({"command": [1]}, "the command [1], which is no list of texts", id="a-number"),
        pytest.param({"virtual_env": ".venv"}, "the virtual_env '.venv'", id="a-relative-folder"),
        pytest.param({"virtual_env": "/venv; touch /x"}, "the virtual_env '/venv; touch /x'", id="a-command"),
    ],
)
def test_profiles_that_tell_too_little(changes, words):
    with pytest.raises(CollectionError) as error:
        parse_upstream("api", {**PROFILE, **changes})
    assert words in error.value.msg


@pytest.mark.parametrize("user, root", [("", True), ("root", True), ("0", True), ("0:0", True), ("1001", False)])
def test_who_is_root(user, root):
    assert parse_upstream("api", {**PROFILE, "user": user}).is_root is root


def test_packages_need_a_virtual_environment():
    web = parse_upstream("web", {**PROFILE, "virtual_env": None, "package_manager": "pnpm"})
    with pytest.raises(CollectionError, match="The image of web has no virtual environment.* that has one is api"):
        _ = web.python
    assert parse_upstream("api", PROFILE).python == "/app/api/.venv/bin/python"
