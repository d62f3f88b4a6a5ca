# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry client against a registry with TLS and passwords, and against servers that misbehave."""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.parse
import urllib.request

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.copy import copy_content
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import (
    OCI_MANIFEST,
    digest_of,
    json_manifest,
    merge_indexes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings
from support import registries

USER, PASSWORD = "ci", "hunter2"


@pytest.fixture(scope="module")
def tls_registry(registry_with_password):
    """A registry with TLS and a password: host, and the path of its CA."""
    return registry_with_password["host"], registry_with_password["ca"]


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


def test_no_request_leaves_its_trust_to_others(plain_registry):
    """Ansible's requests install an opener for the process: others would trust what one registry is trusted by."""
    client = RegistryClient([RegistrySettings(plain_registry[0], http=True)])
    assert client.list_tags(parse_reference(f"{plain_registry[0]}/no/such:one")) == []
    assert urllib.request._opener is None


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


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"ca": "/etc/ssl/certs/ca-certificates.crt"}, id="with-another-ca"),
        pytest.param({}, id="tls-on-loopback-is-found-out"),
    ],
)
def test_insecure_does_not_look_at_the_certificate(tls_registry, options):
    host, _ca = tls_registry
    client = RegistryClient([settings(host, insecure=True, **options)])
    assert client.find_manifest(parse_reference(f"{host}/no/such:1")) is None


def test_a_certificate_is_looked_at_when_tls_is_found_out(tls_registry):
    host, _ca = tls_registry
    with pytest.raises(CollectionError, match="is not trusted"):
        RegistryClient([settings(host)]).find_manifest(parse_reference(f"{host}/no/such:1"))


@pytest.mark.parametrize("content", [pytest.param(None, id="no-file"), pytest.param("x", id="no-certificate")])
def test_a_ca_that_is_none(tls_registry, tmp_path, content):
    host, _ca = tls_registry
    if content:
        (tmp_path / "ca.crt").write_text(content)
    client = RegistryClient([settings(host, ca=str(tmp_path / "ca.crt"))])
    with pytest.raises(CollectionError, match="ca.crt cannot be used"):
        client.find_manifest(parse_reference(f"{host}/no/such:1"))


def test_a_netrc_does_not_take_the_place_of_a_login(tls_registry, tmp_path, monkeypatch):
    host, ca = tls_registry
    (tmp_path / "netrc").write_text("machine localhost login other password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert RegistryClient([settings(host, ca=ca)]).find_manifest(parse_reference(f"{host}/no/such:1")) is None


def put_index(client, reference):
    """An image of two platforms that share a layer, one with an attestation; its index."""
    shared = client.put_blob(reference, b"layer" * 100000, "application/vnd.oci.image.layer.v1.tar+gzip")
    entries = []
    for architecture in ("amd64", "arm64", "unknown"):
        content = json.dumps({"os": "linux", "architecture": architecture}).encode()
        config = client.put_blob(reference, content, "application/vnd.oci.image.config.v1+json")
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [shared]}
        manifest = json_manifest(document)
        client.put_manifest(reference.with_digest(manifest.digest), manifest)
        entries.append({**manifest.descriptor(), "platform": {"os": "linux", "architecture": architecture}})
    index = merge_indexes([], {"made": "by a test"}, entries)
    client.put_manifest(reference, index)
    return index


def everything(client, reference, index):
    """All bytes that an index leads to, read from a repository."""
    manifests = [client.get_manifest(reference.with_digest(entry["digest"])) for entry in index.document["manifests"]]
    blobs = [entry for manifest in manifests for entry in (manifest.document["config"], *manifest.document["layers"])]
    return [manifest.raw for manifest in manifests], [client.get_blob(reference, entry["digest"]) for entry in blobs]


def test_copies_within_and_between_registries(tls_registry, plain_registry):
    (host, ca), (plain, _blobs) = tls_registry, plain_registry
    client = RegistryClient([settings(host, ca=ca)])
    source = parse_reference(f"{host}/copy/source:one")
    index = put_index(client, source)
    for target in (f"{host}/copy/target:two", f"{plain}/copy/there:three", f"{host}/copy/back:four"):
        reference = parse_reference(target)
        copy_content(client, source, index, reference)
        assert client.put_manifest(reference, index) == index.digest
        assert client.get_manifest(reference).raw == index.raw
        assert everything(client, reference, index) == everything(client, source, index)
        source = reference


def test_a_damaged_blob_is_not_copied(plain_registry, tls_registry):
    (plain, blobs), (host, ca) = plain_registry, tls_registry
    client = RegistryClient([settings(host, ca=ca)])
    source, target = parse_reference(f"{plain}/damaged/source:one"), parse_reference(f"{host}/damaged/target:one")
    index = put_index(client, source)
    digest = digest_of(b"layer" * 100000)
    file = blobs / digest[7:9] / digest[7:] / "data"
    whole = file.read_bytes()
    file.write_bytes(b"x" * len(whole))
    try:
        with pytest.raises(CollectionError, match=f"The blob {digest} of .* is damaged"):
            copy_content(client, source, index, target)
    finally:
        file.write_bytes(whole)
    assert client.find_manifest(target) is None
    assert client.list_tags(target) == []


def test_many_tags_come_page_by_page(plain_registry):
    host, _blobs = plain_registry
    client, reference = RegistryClient(), parse_reference(f"{host}/many/tags:x")
    manifest = manifest_of(client, reference)
    tags = [f"t{number:03}" for number in range(130)]
    for tag in tags:
        client.put_manifest(reference.with_tag(tag), manifest)
    assert client.list_tags(reference) == tags


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


BLOB = b"a blob"
TOKENS = {"pull": "may-pull", "pull,push": "may-pull,push"}


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers by what the repository is called. ``requests`` has the path and the Authorization of each."""

    requests: list[tuple[str, str | None]] = []

    def do_GET(self):
        self.requests.append((self.path, self.headers["Authorization"]))
        name = self.path.split("/")[2] if self.path.startswith("/v2/") else "token"
        getattr(self, f"answer_{name.replace('-', '_')}", self.answer_plainly)(name)

    do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815

    def answer_plainly(self, name):
        self.answer(
            *{
                "limited": (429, b"{}"),
                "forbidden": (403, b'{"errors":[{"code":"DENIED","message":"no"}]}'),
                "broken": (500, b"<html>boom</html>"),
                "read-only": (405, b"{}"),
                "garbage": (200, b"<html>login page</html>"),
                "truncated": (200, b"short"),
                "stored": (200, BLOB),
            }[name]
        )

    def answer_busy(self, _name):
        """Twice another answer, then what was asked for."""
        answers = [(500, b"boom", {}), (429, b"{}", {"Retry_After": "1"})]
        status, body, headers = (answers + [(200, b"{}", {})] * 9)[len(self.requests) - 1]
        self.answer(status, body, **headers)

    def answer_cut_off(self, _name):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")

    def answer_no_http(self, _name):
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    def answer_silent(self, _name):
        time.sleep(3)

    def answer_endless(self, _name):
        self.answer(307, b"", Location=self.path)

    def answer_elsewhere(self, _name):
        if not self.headers["Authorization"]:
            return self.answer(401, b"", WWW_Authenticate='Basic realm="x"')
        # The same server under another name is another host.
        port = self.server.server_address[1]
        return self.answer(307, b"", Location=f"http://127.0.0.1:{port}/v2/stored/x")

    def answer_tokens(self, _name):
        name, actions = self.path.split("/")[2], "pull" if self.command in ("GET", "HEAD") else "pull,push"
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        mounted = f" repository:{query['from']}:pull" if "from" in query else ""
        if self.command == "HEAD" and "/blobs/" in self.path:
            return self.answer(404, b"")
        if self.headers["Authorization"] in (
            f"Bearer {token}{mounted}" for token in TOKENS.values() if actions in token
        ):
            return self.answer(201 if mounted else 200, BLOB)
        realm = f"http://localhost:{self.server.server_address[1]}/token"
        scope = f'scope="repository:{name}:{actions}{mounted}"'
        return self.answer(401, b"", WWW_Authenticate=f'Bearer realm="{realm}",service="me",{scope}')

    answer_no_tokens = answer_tokens

    def answer_token(self, _name):
        query = urllib.parse.urlsplit(self.path).query
        if self.command == "POST":
            query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(urllib.parse.parse_qsl(query))
        first, *more = [
            scope for key, value in urllib.parse.parse_qsl(query) if key == "scope" for scope in value.split()
        ]
        actions = first.rpartition(":")[2]
        known = fields.get("refresh_token") == "long-lived" or self.headers["Authorization"] == "Basic Y2k6aHVudGVyMg=="
        if "no-tokens" in first:
            return self.answer(503, b"down")
        if not known or fields["service"] != "me":
            return self.answer(401, b"")
        key = "access_token" if self.command == "POST" else "token"
        return self.answer(200, json.dumps({key: " ".join([TOKENS[actions], *more])}).encode())

    def answer(self, status, body, **headers):
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture
def misbehaving():
    Misbehaving.requests.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "repository, message",
    [
        pytest.param("limited", "limits requests", id="too-many-requests"),
        pytest.param("forbidden", "may not do that", id="forbidden"),
        pytest.param("read-only", "does not allow that", id="not-allowed"),
        pytest.param("broken", "answers 500 <html>boom</html>. Try again later", id="server-error"),
        pytest.param("garbage", "is no JSON", id="a-login-page"),
        pytest.param("cut-off", "breaks off or is no HTTP.*IncompleteRead", id="an-answer-that-breaks-off"),
        pytest.param("no-http", "breaks off or is no HTTP.*BadStatusLine", id="another-protocol"),
        pytest.param("silent", "cannot be reached: .*timed out", id="no-answer"),
        pytest.param("endless", "redirects more than 5 times", id="redirects-without-end"),
        pytest.param("no-tokens", "gives no token for no-tokens: it answers 503 down. Try", id="no-token-service"),
    ],
)
def test_bad_answers(misbehaving, repository, message):
    with pytest.raises(CollectionError, match=message):
        RegistryClient(timeout=1).find_manifest(parse_reference(f"{misbehaving}/{repository}:1"))


def test_a_busy_registry_is_asked_again(misbehaving):
    started = time.monotonic()
    assert RegistryClient(timeout=5).find_manifest(parse_reference(f"{misbehaving}/busy:1")).raw == b"{}"
    assert len(Misbehaving.requests) == 3
    assert time.monotonic() - started >= 1, "it said when to come back"


def test_tags_that_are_a_login_page(misbehaving):
    with pytest.raises(CollectionError, match="no JSON .*login page.*proxy"):
        RegistryClient().list_tags(parse_reference(f"{misbehaving}/garbage"))


@pytest.mark.parametrize(
    "repository, message",
    [
        pytest.param("truncated", "is damaged", id="fewer-bytes-than-the-digest-says"),
        pytest.param("cut-off", "breaks off", id="fewer-bytes-than-the-header-says"),
    ],
)
def test_a_truncated_blob(misbehaving, repository, message):
    reference = parse_reference(f"{misbehaving}/{repository}")
    with pytest.raises(CollectionError, match=message):
        RegistryClient().get_blob(reference, "sha256:" + "0" * 64)


def test_another_host_does_not_learn_who_we_are(misbehaving):
    client = RegistryClient([settings(misbehaving)])
    assert client.get_blob(parse_reference(f"{misbehaving}/elsewhere"), digest_of(BLOB)) == BLOB
    (_path, refused), (_path, logged_in), (_path, stored) = Misbehaving.requests
    assert (refused, stored) == (None, None)
    assert logged_in == "Basic Y2k6aHVudGVyMg=="


def test_tokens_are_asked_for_once_for_what_is_done(misbehaving):
    client, reference = RegistryClient([settings(misbehaving)]), parse_reference(f"{misbehaving}/tokens:1")
    for _time in range(2):
        assert client.get_blob(reference, digest_of(BLOB)) == BLOB
    client.put_manifest(reference, json_manifest({"mediaType": OCI_MANIFEST}))
    paths = [path.partition("?")[0] for path, _login in Misbehaving.requests]
    assert paths.count("/token") == 2
    assert len(paths) == 7


def test_a_token_that_has_expired_is_asked_for_again(misbehaving, monkeypatch):
    client, reference = RegistryClient([settings(misbehaving)]), parse_reference(f"{misbehaving}/tokens:1")
    assert client.get_blob(reference, digest_of(BLOB)) == BLOB
    monkeypatch.setitem(TOKENS, "pull", "may-pull-from-now-on")
    assert client.get_blob(reference, digest_of(BLOB)) == BLOB
    assert [path.partition("?")[0] for path, _login in Misbehaving.requests].count("/token") == 2


def test_a_mount_asks_for_both_repositories(misbehaving):
    client = RegistryClient([settings(misbehaving)])
    target, source = parse_reference(f"{misbehaving}/tokens"), parse_reference(f"{misbehaving}/other/source")
    client.copy_blob(source, target, digest_of(BLOB))
    assert Misbehaving.requests[-1][1] == "Bearer may-pull,push repository:other/source:pull"


def test_an_identity_token_stands_for_a_password(misbehaving, tmp_path):
    auth = {"auths": {misbehaving: {"auth": "Y2k6", "identitytoken": "long-lived"}}}
    (tmp_path / "config.json").write_text(json.dumps(auth))
    client = RegistryClient(docker_config=str(tmp_path))
    assert client.get_blob(parse_reference(f"{misbehaving}/tokens"), digest_of(BLOB)) == BLOB
    assert all("long-lived" not in path for path, _login in Misbehaving.requests)


def test_a_token_service_that_knows_nobody(misbehaving, tmp_path):
    client = RegistryClient([settings(misbehaving, password="wrong")], docker_config=str(tmp_path))
    with pytest.raises(CollectionError, match="wants another user or password"):
        client.get_blob(parse_reference(f"{misbehaving}/tokens"), digest_of(BLOB))


def test_a_tag_goes_without_its_neighbours(tls_registry):
    host, ca = tls_registry
    client, reference = RegistryClient([settings(host, ca=ca)]), parse_reference(f"{host}/a/untag:one")
    client.remove_tag(reference)
    digest = client.put_manifest(reference, manifest_of(client, reference))
    client.put_manifest(reference.with_tag("two"), manifest_of(client, reference))
    client.remove_tag(reference)
    assert client.list_tags(reference) == ["two"]
    assert client.find_digest(reference.with_tag("two")) == digest


def test_a_tag_stays_where_the_registry_does_not_delete(tmp_path):
    with registries.running_registry(tmp_path, {}, deletes=False) as port:
        client, reference = RegistryClient(), parse_reference(f"localhost:{port}/a/untag:one")
        digest = client.put_manifest(reference, manifest_of(client, reference))
        with pytest.raises(CollectionError, match="it does not allow that"):
            client.remove_tag(reference)
        assert client.find_digest(reference) == digest
