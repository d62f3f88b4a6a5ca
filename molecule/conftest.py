# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of every scenario look at from outside: the containers that hosts are, and the answers of their registry.

A test that takes ``host`` or ``name`` runs once for each host of the scenario.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Iterator

import pytest
import testinfra

PORT = 5001
MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


def container(name: str) -> str:
    """The container that a host, or the registry, is."""
    return f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}-{name}"


@pytest.fixture(scope="module")
def name(_testinfra_host: Any) -> str:
    """The host's name in the inventory."""
    return _testinfra_host.backend.get_hostname()


@pytest.fixture(scope="module")
def host(name: str) -> testinfra.host.Host:
    """testinfra's own, which does not evaluate the inventory's templates, made to find the container."""
    return testinfra.get_host(f"docker://{container(name)}")


@pytest.fixture(scope="session")
def address() -> Callable[[str], str]:
    """Where a host, or the registry, is reached from this machine."""

    def bridge_address(name: str) -> str:
        template = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
        command = ["docker", "container", "inspect", "--format", template, container(name)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return bridge_address


@pytest.fixture(scope="session")
def registry(address: Callable[[str], str]) -> Callable[[str], Any]:
    """Ask the registry: ``registry("bases/python/tags/list")``."""

    def answer(path: str) -> Any:
        request = urllib.request.Request(f"http://{address('registry')}:5000/v2/{path}", headers={"Accept": MANIFESTS})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    return answer


@pytest.fixture
def start_api(host: testinfra.host.Host, name: str, address: Callable[[str], str]) -> Iterator[Callable[[str], None]]:
    """Start an image of the api on the host, as a user would, and see that it answers from here: ``start_api(image)``."""
    started = []

    def start(image: str) -> None:
        run = f"docker run --detach --publish {PORT}:{PORT} --env DIFY_PORT={PORT} {image}"
        started.append(host.check_output(run))
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://{address(name)}:{PORT}/health", timeout=10) as answer:
                    assert answer.status == 200
                return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    yield start
    for container_id in started:
        host.run(f"docker rm --force --volumes {container_id}")


@pytest.fixture
def containers(host: testinfra.host.Host) -> dict[str, dict[str, Any]]:
    """All of the host's deployment, as its engine has them, by service."""
    listed = host.check_output("docker ps --all --quiet --filter label=com.docker.compose.project=dify").split()
    found = json.loads(host.check_output(f"docker inspect {' '.join(listed)}"))
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}
