# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_client import ComposeClient

PROJECT = "--project-name dify --project-directory /srv/docker"
FILES = "--file /srv/docker/docker-compose.yaml --file /srv/docker/docker-compose.imagefleet.yaml"
CONFIG = f"docker compose {PROJECT} --file /srv/docker/docker-compose.yaml config --format json"
DRY_RUN = """\
 DRY-RUN MODE -  Container dify-worker-1  Recreate
 DRY-RUN MODE -  Container dify-api-1  Recreate
 DRY-RUN MODE -  Container dify-api-1  Recreated
 DRY-RUN MODE -  Container dify-web-1  Running
 DRY-RUN MODE -  Container dify-web-2  Created
 DRY-RUN MODE -  Container dify-redis-1  Recreated
"""


class Recorded:
    """``run_command`` that replays one answer, and remembers what it was asked."""

    def __init__(self, rc=0, stdout="", stderr=""):
        self.answer = (rc, stdout, stderr)
        self.commands = []

    def __call__(self, args, *, data=None, environ_update=None, cwd=None, handle_exceptions=True):
        self.commands.append(" ".join(args))
        return self.answer


def client(*answer):
    recorded = Recorded(*answer)
    return ComposeClient(Cli(recorded, "docker"), "dify"), recorded


def test_config():
    document = {"name": "dify", "services": {"api": {"image": "x"}}}
    compose, recorded = client(0, json.dumps(document), "a warning")
    assert compose.config("/srv/docker") == document
    assert recorded.commands == [CONFIG]


def test_config_with_our_file():
    compose, recorded = client(0, "{}")
    compose.config("/srv/docker", with_override=True)
    assert recorded.commands == [f"docker compose {PROJECT} {FILES} config --format json"]


def test_profiles():
    compose, recorded = client(0, "weaviate\n\npostgresql\n")
    assert compose.profiles("/srv/docker") == ["postgresql", "weaviate"]
    assert recorded.commands[0].endswith("config --profiles")


@pytest.mark.parametrize(
    "answer, message",
    [
        pytest.param(
            (15, "", "1\n2\n3\n4\n5\nservices.api must be a mapping\n"),
            "^Compose refuses the release's docker-compose.yaml: 2\n3\n4\n5\nservices.api must be a mapping$",
            id="refused",
        ),
        pytest.param((0, "name: dify\n", ""), "docker compose config printed no JSON: .*Update Compose", id="no-json"),
    ],
)
def test_config_fails(answer, message):
    compose, _recorded = client(*answer)
    with pytest.raises(CollectionError, match=message):
        compose.config("/srv/docker")


@pytest.mark.parametrize(
    "stdout, stderr, names",
    [
        pytest.param("", "", [], id="nothing"),
        pytest.param("", DRY_RUN, ["dify-api-1", "dify-worker-1"], id="on-standard-error"),
        pytest.param(DRY_RUN, "", ["dify-api-1", "dify-worker-1"], id="on-standard-output"),
        pytest.param("", " DRY-RUN MODE -  Container dify-api-1 Recreate \n", ["dify-api-1"], id="one-space"),
    ],
)
def test_find_outdated(stdout, stderr, names):
    compose, recorded = client(0, stdout, stderr)
    assert compose.find_outdated("/srv/docker", {"api": 1, "web": 2}) == names
    assert recorded.commands == [
        f"docker compose --dry-run --ansi never --progress plain {PROJECT} {FILES} up --detach --no-deps --no-build "
        "--pull never --scale api=1 --scale web=2 api web"
    ]


def test_add_container():
    compose, recorded = client()
    compose.add_container("/srv/docker", "api", 2)
    assert recorded.commands == [
        f"docker compose {PROJECT} {FILES} up --detach --no-deps --no-recreate --no-build --pull never "
        "--scale api=2 api"
    ]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda compose: compose.find_outdated("/srv/docker", {"api": 1}), id="find-outdated"),
        pytest.param(lambda compose: compose.add_container("/srv/docker", "api", 2), id="add-container"),
        pytest.param(lambda compose: compose.host_platform(), id="host-platform"),
    ],
)
def test_a_failure_is_told(call):
    compose, _recorded = client(1, "", "no such image")
    with pytest.raises(CollectionError, match="failed with status 1: no such image"):
        call(compose)


def test_host_platform():
    compose, recorded = client(0, "linux/arm64\n")
    assert compose.host_platform() == "linux/arm64"
    assert recorded.commands == ["docker version --format {{.Server.Os}}/{{.Server.Arch}}"]
