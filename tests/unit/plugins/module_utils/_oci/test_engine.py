# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.engine import EngineClient


@pytest.mark.parametrize(
    "docker_host",
    [
        pytest.param("unix:///no/such/socket", id="no-socket"),
        pytest.param("tcp://127.0.0.1:1", id="nobody-listens"),
        pytest.param("nonsense://x", id="no-address"),
    ],
)
def test_an_engine_that_does_not_answer(docker_host):
    with pytest.raises(MissingPrerequisite, match=f"{docker_host} does not answer.*Start it") as error:
        EngineClient(docker_host, timeout=2).info()
    assert error.value.check_mode_result()["msg"].startswith("unknown until the provision playbook has run")


def test_without_the_sdk(monkeypatch):
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MissingPrerequisite, match="Install python3-docker"):
        EngineClient().platform()


def test_the_environment_names_the_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    with pytest.raises(MissingPrerequisite, match="of this host does not answer"):
        EngineClient().find_image("a")
