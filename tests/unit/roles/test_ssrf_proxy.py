# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our Dockerfile around Squid: what it takes from the source, its health check, and how it starts."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ansible_collections.imagefleet.dify.plugins.module_utils._image.dockerfile import parse_dockerfile

ROOT = Path(__file__).parents[3]
DOCKERFILE = parse_dockerfile((ROOT / "roles/images/files/ssrf_proxy.Dockerfile").read_text())
COMPOSE_FILES = sorted(ROOT.glob("examples/sample_dify/*/docker/docker-compose.yaml"))


def values(keyword):
    return [step.value for step in DOCKERFILE.stages[-1].instructions if step.keyword == keyword]


def environment():
    return dict(word.split("=", 1) for line in values("ENV") for word in shlex.split(line))


def command_of(keyword):
    """The words that the engine runs, written as JSON in the Dockerfile."""
    (value,) = values(keyword)
    return json.loads(value[value.index("[") :])


@contextmanager
def listener(answer: bytes | None):
    """A port on loopback where every caller gets these bytes; None: the port is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is not None:
            threading.Thread(target=answer_one, args=(server, answer), daemon=True).start()
            yield port
    if answer is None:
        yield port


def answer_one(server, answer):
    connection, _address = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(answer)


def test_a_build_for_another_platform_runs_nothing():
    assert values("RUN") == []
    assert DOCKERFILE.base_names({}) == ("ubuntu/squid:latest",)


def test_g5_the_template_goes_into_the_image_and_no_squid_conf_does():
    """The guide copies a squid.conf, which the script overwrites with the rendered template at each start."""
    assert DOCKERFILE.copied_paths({}) == ("docker-entrypoint.sh", "squid.conf.template")
    targets = [line.split()[-1] for line in values("COPY")]
    assert "/etc/squid/squid.conf.template" in targets
    assert "/etc/squid/squid.conf" not in targets


@pytest.mark.parametrize("compose", COMPOSE_FILES, ids=lambda path: path.parents[1].name)
def test_every_path_and_variable_that_compose_gives_is_in_the_image(compose):
    service = yaml.safe_load(compose.read_text())["services"]["ssrf_proxy"]
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    assert mounted <= {line.split()[-1] for line in values("COPY")}
    defaults = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in service["environment"].items()}
    assert defaults.items() <= environment().items()


def test_the_reverse_proxy_to_the_sandbox_has_its_defaults():
    assert {name: environment().get(name) for name in ("REVERSE_PROXY_PORT", "SANDBOX_HOST", "SANDBOX_PORT")} == {
        "REVERSE_PROXY_PORT": "8194",
        "SANDBOX_HOST": "sandbox",
        "SANDBOX_PORT": "8194",
    }


@pytest.mark.parametrize("address", ["{port}", "127.0.0.1:{port}"], ids=["a port", "an address and a port"])
@pytest.mark.parametrize(
    "answer, healthy",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", True, id="squid's own error"),
        pytest.param(b"220 ready\r\n", False, id="another protocol"),
        pytest.param(b"", False, id="hangs up"),
        pytest.param(None, False, id="closed"),
    ],
)
def test_health_check(answer, healthy, address):
    with listener(answer) as port:
        http_port = address.format(port=port)
        result = subprocess.run(
            command_of("HEALTHCHECK"), env={"HTTP_PORT": http_port}, timeout=10, capture_output=True
        )
    assert (result.returncode == 0) is healthy


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["as in the source", "from a work tree of Windows"])
def test_the_mounted_script_is_what_starts(tmp_path, line_end):
    mounted, started = tmp_path / "docker-entrypoint-mount.sh", tmp_path / "docker-entrypoint.sh"
    mounted.write_bytes(line_end.join(["#!/bin/sh", 'echo "rendered for $SANDBOX_HOST"', ""]).encode())
    started.write_text("#!/bin/sh\necho the one of the image\n")
    started.chmod(0o755)
    command = [word.replace("/docker-entrypoint", f"{tmp_path}/docker-entrypoint") for word in command_of("ENTRYPOINT")]
    result = subprocess.run(command, env=environment(), timeout=10, capture_output=True, text=True, check=True)
    assert result.stdout == "rendered for sandbox\n"
