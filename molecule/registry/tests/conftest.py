# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of a host as its clients see it: each user with the authority's certificate, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any, Callable, NamedTuple

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

PORT = 5000
COMPOSE_FILE = "/etc/imagefleet/registry/compose.yml"
#: The second cache that a host has with Compose. On one of them it took the place of what the other one has.
SECOND_CACHES = {"amd64": ("comes.test", 5003), "arm64": ("goes.test", 5002)}
PASSWORDS = {"ci": "writes and reads", "dify": "only reads"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def where(name: str, address: Callable[[str], str]) -> str:
    """Its address, without a port."""
    return address(name)


@pytest.fixture(scope="module")
def authority(name: str) -> str:
    """The file of its authority's certificate, which the role gave to this machine."""
    return f"{os.environ['MOLECULE_EPHEMERAL_DIRECTORY']}/ca-{name}.crt"


@pytest.fixture
def ask(where: str, authority: str) -> Callable[..., Answer]:
    """One request: ``ask("GET", "/v2/", user="ci")``."""

    def send(method: str, path: str, user: str | None = None, password: str | None = None, port: int = PORT) -> Answer:
        headers = {}
        if user:
            pair = f"{user}:{PASSWORDS[user] if password is None else password}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        request = urllib.request.Request(f"https://{where}:{port}{path}", method=method, headers=headers)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority)),
        )
        try:
            with opener.open(request, timeout=60) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    return send


@pytest.fixture
def client(where: str, authority: str, address: Callable[[str], str]) -> Callable[..., RegistryClient]:
    """``client("ci")``: a client of ours for the registry and its cache, that can also read this scenario's other one."""

    def make(user: str) -> RegistryClient:
        hosts = [f"{where}:{PORT}", f"{where}:5001"]
        settings = [RegistrySettings(host, authority, username=user, password=PASSWORDS[user]) for host in hosts]
        return RegistryClient([*settings, RegistrySettings(f"{address('registry')}:5000", http=True)])

    return make


@pytest.fixture
def composed(host: Any) -> bool:
    """Whether Compose runs it, and not systemd."""
    return bool(host.file(COMPOSE_FILE).exists)


@pytest.fixture
def caches(composed: bool, name: str) -> dict[str, int]:
    """The ports of its caches."""
    return {"upstream.test": 5001, **dict([SECOND_CACHES[name]] if composed else [])}


@pytest.fixture
def gone_caches(caches: dict[str, int]) -> dict[str, int]:
    """Those of another host's caches, which it may have had."""
    return {cache: port for cache, port in SECOND_CACHES.values() if cache not in caches}


@pytest.fixture
def read_only(composed: bool) -> str:
    """The file that nginx looks for while garbage is collected."""
    return f"{'/var/lib/imagefleet-registry/run' if composed else '/run/imagefleet-registry'}/read-only"


@pytest.fixture
def cache_folder(composed: bool) -> str:
    """Where its cache keeps images: where it was told to, in the form with Compose."""
    return "/srv/cache" if composed else "/var/lib/imagefleet-registry/upstream.test"


@pytest.fixture
def control(host: Any, composed: bool) -> Callable[[str], None]:
    """Have whoever runs the registry do something with it: ``control("stop")``."""

    def do(what: str) -> None:
        host.check_output(
            f"docker compose -f {COMPOSE_FILE} {what} registry" if composed else f"systemctl {what} docker-registry"
        )

    return do


@pytest.fixture
def job(host: Any) -> Callable[[str], dict[str, Any]]:
    """Run a job of the timers now, to its end, and return its report."""

    def run(name: str) -> dict[str, Any]:
        host.check_output(f"systemctl start imagefleet-registry-{name}.service")
        return json.loads(host.check_output(f"cat /var/lib/imagefleet-registry/{name}.json"))

    return run
