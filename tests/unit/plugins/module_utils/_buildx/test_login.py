# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import stat

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.login import docker_config_folder
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistrySettings

LOGIN = RegistrySettings("registry.example.com", username="me", password="hunter2")


def test_without_a_login_nothing_is_written(tmp_path):
    assert docker_config_folder([RegistrySettings("a")], None, "/b", str(tmp_path)) == {}
    assert docker_config_folder([], "/c", "/b", str(tmp_path)) == {"DOCKER_CONFIG": "/c"}
    assert list(tmp_path.iterdir()) == []


def test_a_login_joins_the_users_own(tmp_path):
    original, workspace = tmp_path / "original", tmp_path / "workspace"
    (original / "cli-plugins").mkdir(parents=True)
    workspace.mkdir()
    own = {
        "auths": {"other": {"auth": "x"}},
        "credsStore": "desktop",
        "credHelpers": {"registry.example.com": "y", "z": "w"},
    }
    (original / "config.json").write_text(json.dumps(own))
    environment = docker_config_folder([LOGIN], str(original), "/b", str(workspace))
    assert environment == {"DOCKER_CONFIG": str(workspace / "docker-config"), "BUILDX_CONFIG": "/b"}
    path = workspace / "docker-config/config.json"
    config = json.loads(path.read_text())
    assert config["auths"] == {"other": {"auth": "x"}, "registry.example.com": {"auth": "bWU6aHVudGVyMg=="}}
    assert config["credHelpers"] == {"z": "w"}
    assert "credsStore" not in config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (workspace / "docker-config/cli-plugins").resolve() == original / "cli-plugins"
