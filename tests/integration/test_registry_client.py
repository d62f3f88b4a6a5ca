# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry client against a registry with TLS and passwords, and against servers that misbehave."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import OCI_MANIFEST, json_manifest
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

USER, PASSWORD = "ci", "hunter2"
# bcrypt of the password, the only form that the registry takes.
HTPASSWD = "ci:$2y$05$C7pGeRex2D1tpfCNcCMIrelOIUfv1RPP3ERP.YKLqJiDSjIXeBTZu\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def make_certificates(folder: Path) -> None:
    """A CA and a certificate for loopback, signed by it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=test CA",
        "-days",
        "2",
    )
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=localhost")
    (folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl(
        "x509",
        "-req",
        "-in",
        "tls.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "tls.crt",
        "-days",
        "2",
        "-extfile",
        "extensions",
    )


@pytest.fixture(scope="module")
def tls_registry(tmp_path_factory):
    """A registry of its own: host, and the path of its CA. It is stopped at the end."""
    folder = tmp_path_factory.mktemp("registry")
    make_certificates(folder)
    (folder / "htpasswd").write_text(HTPASSWD)
    port = free_port()
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")},
        },
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    program = shutil.which("docker-registry") or "registry"
    process = subprocess.Popen(
        [program, "serve", str(folder / "config.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_port(port)
        yield f"localhost:{port}", str(folder / "ca.crt")
    finally:
        process.terminate()
        process.wait(10)


def await_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, "the registry did not start"
        time.sleep(0.1)


def settings(host, **options):
    return RegistrySettings(host, **{"username": USER, "password": PASSWORD, **options})


def manifest_of(client, reference):
    config = client.put_blob(
        reference, b'{"os":"linux","architecture":"amd64"}', "application/vnd.oci.image.config.v1+json"
    )
    return json_manifest({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []})


def test_what_is_put_comes_back(tls_registry):
    host, ca = tls_registry
    client, reference = RegistryClient([settings(host, ca=ca)]), parse_reference(f"{host}/a/b:one")
    assert client.find_manifest(reference) is None
    assert client.list_tags(reference) == []
    manifest = manifest_of(client, reference)
    assert client.put_manifest(reference, manifest) == manifest.digest
    assert client.find_digest(reference) == manifest.digest
    assert client.get_manifest(reference.with_digest(manifest.digest)).raw == manifest.raw
    assert client.get_config(reference, manifest)["architecture"] == "amd64"
    client.put_manifest(reference.with_tag("two"), manifest)
    assert client.list_tags(reference) == ["one", "two"]
    client.delete_manifest(reference.with_digest(manifest.digest))
    assert client.find_manifest(reference) is None


def test_credentials_of_dockers_own_configuration(tls_registry, tmp_path):
    host, ca = tls_registry
    auth = {"auths": {host: {"auth": "Y2k6aHVudGVyMg=="}}}
    (tmp_path / "config.json").write_text(json.dumps(auth))
    client = RegistryClient([RegistrySettings(host, ca=ca)], docker_config=str(tmp_path))
    assert client.find_manifest(parse_reference(f"{host}/no/such:1")) is None


@pytest.mark.parametrize(
    "options, message",
    [
        pytest.param({"password": "wrong"}, "wants another user or password", id="wrong-password"),
        pytest.param({"username": None, "password": None}, "wants another user or password", id="no-login"),
        pytest.param(
            {"ca": "/etc/ssl/certs/ca-certificates.crt"}, "is not trusted.*Give its CA in registries", id="other-ca"
        ),
    ],
)
def test_what_a_registry_refuses(tls_registry, tmp_path, options, message):
    host, ca = tls_registry
    client = RegistryClient([settings(host, **{"ca": ca, **options})], docker_config=str(tmp_path))
    with pytest.raises(CollectionError, match=message) as error:
        client.find_manifest(parse_reference(f"{host}/a/b:one"))
    assert PASSWORD not in str(error.value.result())


def test_insecure_does_not_look_at_the_certificate(tls_registry):
    host, _ca = tls_registry
    client = RegistryClient([settings(host, insecure=True, ca="/etc/ssl/certs/ca-certificates.crt")])
    assert client.find_manifest(parse_reference(f"{host}/no/such:1")) is None


@pytest.mark.parametrize(
    "host, kind, message",
    [
        pytest.param("localhost:1", MissingPrerequisite, "cannot be reached.*registry playbook", id="loopback-down"),
        pytest.param("no-such-host.invalid", CollectionError, "cannot be reached.*Check its name", id="no-such-host"),
    ],
)
def test_registries_that_are_not_there(host, kind, message):
    with pytest.raises(kind, match=message):
        RegistryClient(timeout=5).find_manifest(parse_reference(f"{host}/a:1"))


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers by what the repository is called."""

    def do_GET(self):
        name = self.path.split("/")[2]
        status, body = {
            "limited": (429, b"{}"),
            "forbidden": (403, b'{"errors":[{"code":"DENIED","message":"no"}]}'),
            "broken": (500, b"<html>boom</html>"),
            "garbage": (200, b"<html>login page</html>"),
            "truncated": (200, b"short"),
        }[name]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture(scope="module")
def misbehaving():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"localhost:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize(
    "repository, message",
    [
        pytest.param("limited", "limits requests", id="too-many-requests"),
        pytest.param("forbidden", "may not do that", id="forbidden"),
        pytest.param("broken", "answers 500 <html>boom", id="server-error"),
        pytest.param("garbage", "is no JSON", id="a-login-page"),
    ],
)
def test_bad_answers(misbehaving, repository, message):
    with pytest.raises(CollectionError, match=message):
        RegistryClient().find_manifest(parse_reference(f"{misbehaving}/{repository}:1"))


def test_a_truncated_blob(misbehaving):
    with pytest.raises(CollectionError, match="is damaged"):
        RegistryClient().get_blob(parse_reference(f"{misbehaving}/truncated"), "sha256:" + "0" * 64)
