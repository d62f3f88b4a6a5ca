# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample's generations, customised by the build playbook, looked at from outside on each platform."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from support.deployed_site import NEW, OLD, PLATFORM
from support.image_labels import image_labels
from support.registries import make_certificates

#: Both, on both platforms, by `make customised`; in `make test` the newer one on this machine's own: pip is slow under emulation.
ALL = "IMAGEFLEET_GENERATIONS" in os.environ
GENERATIONS = [NEW, OLD] if ALL else [NEW]
PLATFORMS = ("linux/amd64", "linux/arm64") if ALL else (PLATFORM,)
PATCH = """\
--- a/api/app.py
+++ b/api/app.py
@@ -1 +1,2 @@
+# patched
 {first}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("customised")


@pytest.fixture(scope="module")
def namespace():
    return f"c{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def given(folder, repository_root):
    """Variables of the role that customise both components, with the files of the controller that they name."""
    (folder / "ca").mkdir()
    make_certificates(folder / "ca")
    subprocess.run([repository_root / "tools/sample_source", folder / "source"], check=True, capture_output=True)
    first = (folder / "source/api/app.py").read_text().splitlines()[0]
    (folder / "mark.patch").write_text(PATCH.format(first=first))
    (folder / "before start.sh").write_text(
        '#!/bin/sh\nset -e\ntest -n "$GREETING"\necho "hook: $GREETING" > /tmp/hook\n'
    )
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><title>Ours</title></svg>\n')
    customisation = {
        "api": {
            "pip_packages": ["humanize==4.11.0", "requests==2.34.2"],
            "files": [{"content": "ours\n", "dest": "/app/api/ours.txt", "owner": "1001", "mode": "0640"}],
            "scripts": [{"src": str(folder / "before start.sh"), "hook": True}],
            "env": {"GREETING": "it's ours"},
            "patches": [str(folder / "mark.patch")],
        },
        "web": {
            "default_locale": "zh-Hans",
            "brand": [{"path": "logo/logo.svg", "src": str(folder / "logo.svg")}],
        },
    }
    return {
        "images_customisation": customisation,
        "images_ca_bundle": str(folder / "ca/ca.crt"),
        "images_runtime_ca": True,
    }


@pytest.fixture(scope="module")
def company_server(given, folder):
    """An address that only those reach who trust the company's CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca/tls.crt", folder / "ca/tls.key")
    server = HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder / "source")))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"https://localhost:{server.server_port}/"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(address, timeout=10)
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture
def build(build_in, folder, namespace):
    return build_in(folder, namespace, images_components=["api", "web"], images_platforms=list(PLATFORMS))


@contextmanager
def running(reference, platform, port, **environment):
    """A container of an image; gives its name and the address of a port."""
    name = f"customised-{secrets.token_hex(4)}"
    variables = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
    command = ["docker", "run", "--detach", "--name", name, "--platform", platform, *variables]
    try:
        subprocess.run([*command, "--publish", f"127.0.0.1::{port}", reference], check=True, capture_output=True)
        found = subprocess.run(["docker", "port", name, str(port)], check=True, capture_output=True, text=True)
        yield name, found.stdout.split()[0]
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)


def run_on_this_network(reference, platform, *command):
    """A command in an image that reaches servers of this machine."""
    start = ["docker", "run", "--rm", "--network", "host", "--platform", platform, "--entrypoint", command[0]]
    done = subprocess.run([*start, reference, *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def page(address, path):
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < deadline, f"{path} is not answered"
            time.sleep(1)


def within(name, *command):
    done = subprocess.run(["docker", "exec", name, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("version", GENERATIONS)
def test_customised_on_each_platform(build, given, company_server, folder, namespace, registry, version):
    build(images_version=version, images_tags=[version], **given)
    report = json.loads((folder / "report/report.json").read_text())
    for image in report["images"]:
        assert [platform["platform"] for platform in image["platforms"]] == list(PLATFORMS)
    for platform in PLATFORMS:
        reference = f"{registry}/{namespace}/dify-api:{version}"
        with running(reference, platform, 5001, DIFY_PORT="5001") as (name, address):
            assert json.loads(page(address, "/health"))["version"] == version
            # G6: the guide's pip install would have landed beside the environment that the api runs in.
            assert within(name, "python", "-c", "import humanize; print(humanize.__file__)").startswith(
                "/app/api/.venv/"
            )
            assert within(name, "cat", "/tmp/hook") == "hook: it's ours"
            assert within(name, "stat", "--format", "%u %a", "/app/api/ours.txt") == "1001 640"
            assert within(name, "id", "--user") == "1001"
            assert within(name, "head", "--lines", "1", "/app/api/app.py") == "# patched"
        by_the_store = f"import urllib.request; urllib.request.urlopen('{company_server}')"
        by_certifi = f"import requests; requests.get('{company_server}').raise_for_status()"
        for program in (by_the_store, by_certifi):
            run_on_this_network(reference, platform, "/app/api/.venv/bin/python", "-c", program)
        reference = f"{registry}/{namespace}/dify-web:{version}"
        with running(reference, platform, 3000) as (name, address):
            text = page(address, "/")
            # G4: the guide's environment variable would have left it in English.
            assert '<html lang="zh-Hans"' in text
            assert "问问你的笔记" in text
            assert "<title>Ours</title>" in page(address, "/logo/logo.svg")
        program = f"fetch('{company_server}').catch(error => {{ console.error(error.cause); process.exit(1) }})"
        run_on_this_network(reference, platform, "node", "-e", program)


def test_labels_say_that_it_is_not_upstreams(namespace, registry):
    labels = {
        component: image_labels(f"{registry}/{namespace}/dify-{component}:{NEW}")["org.opencontainers.image.version"]
        for component in ("api", "web")
    }
    assert labels == {"api": f"{NEW}+patched.customised", "web": f"{NEW}+patched.customised"}


def test_again_it_changes_nothing_and_a_change_on_top_costs_no_component(build, given, folder):
    old = {"images_version": GENERATIONS[-1], "images_tags": [GENERATIONS[-1]]}
    output = build(**old, **given, images_builder="no-such-builder")
    assert "changed=0" in output
    wanted = given["images_customisation"]
    wanted = {**wanted, "api": {**wanted["api"], "env": {"GREETING": "hello"}}}
    more = {**given, "images_customisation": wanted}
    build(**old, **more)
    images = {image["name"]: image for image in json.loads((folder / "report/report.json").read_text())["images"]}
    assert images["api"]["built"]
    assert not images["api"]["upstream"]["built"]
    assert not images["web"]["built"]
    assert "changed=0" in build("--check", "--diff", **old, **more)


def test_what_a_generation_cannot_do_is_an_error_with_the_versions_that_can(build, given):
    customisation = {"web": {"base_path": "/ai"}}
    with pytest.raises(pytest.fail.Exception) as failure:
        build(images_version=OLD, images_tags=[OLD], images_customisation=customisation)
    assert "Dify has it since 1.11.3" in str(failure.value)
    with pytest.raises(pytest.fail.Exception) as failure:
        build(images_customisation={"web": {"pip_packages": ["humanize"]}})
    assert "pip_packages" in str(failure.value)


def test_bases_are_locked_on_request_and_kept(build, folder, registry):
    variables = {"images_components": ["api"], "images_version": OLD, "images_tags": ["locked"]}
    output = build(**variables, images_update_bases=True)
    lock = (folder / "bases.lock.yml").read_text()
    assert f"{registry}/bases/python:3.11-slim-bookworm: sha256:" in lock
    assert "new -> sha256:" in output
    assert "changed=0" in build(**variables, images_builder="no-such-builder")
    (folder / "bases.lock.yml").write_text(lock.partition("sha256:")[0] + "sha256:" + "0" * 64 + "\n")
    output = build("--check", **variables)
    assert "sha256:" + "0" * 64 in output
    (folder / "bases.lock.yml").unlink()
