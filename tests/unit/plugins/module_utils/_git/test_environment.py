# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._git.environment import (
    SshAccess,
    config_file,
    git_environment,
    remove_inherited,
    ssh_command,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import REPOSITORY, Credentials, Source

SECRET = 'p"w$(x) \\ é'
SOURCES = (
    Source("https://one.example/x", REPOSITORY, Credentials("me", SECRET)),
    Source("https://two.example/x", REPOSITORY),
)
NO_SSH = SshAccess(None, None, 60)


def fill(tmp_path, url):
    """What Git's credential machinery gives for an address."""
    config = tmp_path / "config"
    config.write_text(config_file(SOURCES, None))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **git_environment(str(config), SOURCES, NO_SSH, {})}
    return subprocess.run(
        ["git", "credential", "fill"],
        input=f"url={url}\n\n",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_git_gets_the_credentials_of_their_server(tmp_path):
    assert f"username=me\npassword={SECRET}\n" in fill(tmp_path, "https://one.example/x").stdout


@pytest.mark.parametrize("url", ["https://two.example/x", "http://one.example/x", "https://one.example:8443/x"])
def test_no_other_server_gets_them(tmp_path, url):
    result = fill(tmp_path, url)
    assert result.returncode != 0
    assert "password" not in result.stdout


def test_the_configuration_holds_no_secret():
    assert SECRET not in config_file(SOURCES, "/x/allowed")


@pytest.mark.parametrize(
    "ssh, words",
    [
        pytest.param(NO_SSH, "ssh -o BatchMode=yes -o ConnectTimeout=60", id="never-asks"),
        pytest.param(SshAccess("/a b/key", None, 9), "-o IdentitiesOnly=yes -i '/a b/key'", id="key"),
        pytest.param(
            SshAccess(None, "/k h", 9), """-o 'UserKnownHostsFile="/k h"' -o StrictHostKeyChecking=yes""", id="hosts"
        ),
    ],
)
def test_ssh_command(ssh, words):
    assert words in ssh_command(ssh)


def test_the_user_s_ssh_program_stays_unless_we_know_more():
    inherited = {"GIT_SSH_COMMAND": "wrapper"}
    assert "GIT_SSH_COMMAND" not in git_environment("/c", (), NO_SSH, inherited)
    assert "GIT_SSH_COMMAND" in git_environment("/c", (), SshAccess("/key", None, 60), inherited)
    assert "GIT_SSH_COMMAND" in git_environment("/c", (), NO_SSH, {})


def test_variables_that_change_results_are_removed():
    environment = {"GIT_DIR": "x", "GIT_CONFIG_COUNT": "1", "SSH_ASKPASS": "x", "GIT_SSL_CAINFO": "/ca", "PATH": "/bin"}
    remove_inherited(environment)
    assert environment == {"GIT_SSL_CAINFO": "/ca", "PATH": "/bin"}
