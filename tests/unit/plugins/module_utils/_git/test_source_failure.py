# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._git.source_failure import explain_source


@pytest.mark.parametrize(
    "stderr, words",
    [
        pytest.param("fatal: unable to access 'https://h/': Could not resolve host: h", "not known to DNS", id="dns"),
        pytest.param(
            "fatal: unable to access 'https://h/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
            "refuses the connection",
            id="refused",
        ),
        pytest.param("fatal: unable to access: SSL certificate problem: self-signed", "GIT_SSL_CAINFO", id="tls"),
        pytest.param(
            "fatal: could not read Username for 'https://h': terminal prompts disabled", "give username", id="login"
        ),
        pytest.param("fatal: Authentication failed for 'https://h/'", "other credentials", id="wrong-password"),
        pytest.param("fatal: unable to access: The requested URL returned error: 403", "forbidden", id="forbidden"),
        pytest.param("fatal: unable to access: The requested URL returned error: 429", "limits requests", id="limit"),
        pytest.param("fatal: unable to access: The requested URL returned error: 502", "the server fails", id="server"),
        pytest.param(
            "Host key verification failed.\nfatal: Could not read from remote", "give known_hosts", id="host-key"
        ),
        pytest.param("git@h: Permission denied (publickey).\nfatal: Could not read", "give key_file", id="ssh-key"),
        pytest.param("fatal: '/x' does not appear to be a git repository", "no repository", id="no-repository"),
        pytest.param("fatal: couldn't find remote ref refs/heads/x", "no such ref", id="ref-gone"),
        pytest.param("error: unrecognized header: x (3)\nfatal: x", "damaged", id="damaged-bundle"),
        pytest.param("fatal: write error: No space left on device", "the disk of dest is full", id="disk-full"),
    ],
)
def test_explain_source(stderr, words):
    assert words in explain_source(stderr)
    assert explain_source(stderr).endswith(f"({stderr.splitlines()[-1]})") or len(stderr.splitlines()) > 1


def test_an_unknown_cause_is_git_s_own_line_without_passwords():
    assert explain_source("hint: x\nfatal: strange https://a:b@h/x") == "fatal: strange https://***@h/x"
