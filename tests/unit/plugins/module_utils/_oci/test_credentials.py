# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.credentials import Credentials, find_credentials
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

FILE = {
    "auths": {
        "registry.example.com": {"auth": "Y2k6aHVudGVyMg=="},
        "token.example.com": {"auth": "Y2k6", "identitytoken": "long-lived"},
        "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldA=="},
    }
}


@pytest.fixture
def docker_config(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(FILE))
    return str(tmp_path)


@pytest.mark.parametrize(
    "host, credentials",
    [
        pytest.param("registry.example.com", Credentials("ci", "hunter2"), id="user-and-password"),
        pytest.param("token.example.com", Credentials(None, None, "long-lived"), id="identity-token"),
        pytest.param("docker.io", Credentials("hub", "secret"), id="docker-hub-by-its-old-name"),
        pytest.param("other.example.com", None, id="nobody"),
    ],
)
def test_dockers_configuration(docker_config, host, credentials):
    assert find_credentials(host, docker_config) == credentials


def test_without_a_file_there_is_nobody(tmp_path):
    assert find_credentials("registry.example.com", str(tmp_path)) is None


@pytest.mark.filterwarnings("ignore:docker-credential-no-such-helper")
def test_a_helper_that_is_not_installed_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"registry.example.com": "no-such-helper"}}))
    with pytest.raises(CollectionError, match="registry.example.com cannot be read.*no-such-helper.*Log in again"):
        find_credentials("registry.example.com", str(tmp_path))


def test_a_file_that_is_no_json_is_nobody(tmp_path):
    (tmp_path / "config.json").write_text("{")
    assert find_credentials("registry.example.com", str(tmp_path)) is None


def test_the_tasks_own_credentials_come_first(docker_config):
    client = RegistryClient([RegistrySettings("registry.example.com", username="me", password="mine")], docker_config)
    assert client.credentials("registry.example.com") == Credentials("me", "mine")
    assert client.credentials("docker.io") == Credentials("hub", "secret")


def test_secrets_are_not_shown():
    assert "mine" not in repr(Credentials("me", "mine", "mine"))
    assert "mine" not in repr(RegistryClient([RegistrySettings("a", username="me", password="mine")]))
