# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.runtime_trust import (
    certificate_files,
    parse_certificates,
    trust_commands,
)

ONE, OTHER = b"\x30\x03one", b"\x30\x05other"


def pem(content, title="CERTIFICATE", end="\n"):
    text = base64.encodebytes(content).decode().replace("\n", end)
    return f"-----BEGIN {title}-----{end}{text}-----END {title}-----{end}".encode()


@pytest.mark.parametrize(
    "content, certificates",
    [
        pytest.param(pem(ONE), (ONE,), id="one"),
        pytest.param(pem(ONE) + pem(OTHER), (ONE, OTHER), id="two-in-their-order"),
        pytest.param(pem(ONE) + pem(OTHER) + pem(ONE), (ONE, OTHER), id="each-once"),
        pytest.param(
            b"# Company \xff CA\n" + pem(ONE) + b"\nsubject=x\n" + pem(OTHER), (ONE, OTHER), id="with-comments"
        ),
        pytest.param(pem(ONE, end="\r\n") + pem(OTHER), (ONE, OTHER), id="windows"),
        pytest.param(pem(ONE).rstrip(), (ONE,), id="no-line-break-at-the-end"),
        pytest.param(pem(b"request", "CERTIFICATE REQUEST") + pem(ONE), (ONE,), id="beside-something-else"),
    ],
)
def test_certificates_of_a_bundle(content, certificates):
    assert parse_certificates("runtime_ca", content) == certificates


@pytest.mark.parametrize(
    "content, words",
    [
        pytest.param(b"", "has no certificate in PEM", id="empty"),
        pytest.param(ONE, "has no certificate in PEM", id="der"),
        pytest.param(pem(ONE)[:-10], "has no certificate in PEM", id="cut-off"),
        pytest.param(pem(ONE) + pem(b"k", "PRIVATE KEY"), "has a private key", id="a-key"),
        pytest.param(pem(ONE) + pem(b"k", "RSA PRIVATE KEY"), "has a private key", id="an-old-key"),
        pytest.param(pem(ONE) + pem(b"text"), "something else than a certificate as number 2", id="no-certificate"),
        pytest.param(pem(ONE).replace(b"=", b""), "broken certificate, number 1", id="broken"),
    ],
)
def test_what_is_no_bundle(content, words):
    with pytest.raises(CollectionError) as refused:
        parse_certificates("runtime_ca /here/ca.pem", content)
    assert str(refused.value).startswith("runtime_ca /here/ca.pem ")
    assert words in str(refused.value)


def test_each_certificate_is_a_file_that_says_which():
    files = certificate_files((ONE, OTHER))
    assert len(files) == 2
    assert [parse_certificates(name, content) for name, content in files.items()] == [(ONE,), (OTHER,)]
    assert list(certificate_files((OTHER,))) == [list(files)[1]]


# The commands themselves, by a real shell, in a folder that stands for the root of an image.


@pytest.fixture
def trust(tmp_path):
    """Runs the commands, with programs that the image has; gives the image's files."""

    def run(programs=None, virtual_env="/app/api/.venv", environment=None):
        root, given = tmp_path / "root", tmp_path / "given"
        for folder in (root / "bin", given):
            folder.mkdir(parents=True, exist_ok=True)
        for name, content in certificate_files((ONE, OTHER)).items():
            (given / name).write_bytes(content)
        for name, text in (programs or {}).items():
            (root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (root / "bin" / name).chmod(0o755)
        script = "set -eu; " + "; ".join(trust_commands("/GIVEN", virtual_env, environment or {}))
        for start in ("/etc", "/usr/local", "/app"):
            script = script.replace(f"{start}/", f"{root}{start}/")
        script = script.replace("/GIVEN", str(given)).replace("> /dev/null", ">/dev/null")
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env={"PATH": f"{root}/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return root

    run.root = tmp_path / "root"
    return run


STORE = "etc/ssl/certs/ca-certificates.crt"
CERTIFI = "app/api/.venv/lib/python3.12/site-packages/certifi/cacert.pem"


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_the_tool_of_the_operating_system_is_asked(trust):
    written(trust.root / STORE, b"before\n")
    root = trust({"update-ca-certificates": "echo asked > " + str(trust.root / "asked")})
    assert (root / "asked").exists()
    # What it reads is there, each certificate as a file that everybody can read; the rest is its own business.
    local = sorted((root / "usr/local/share/ca-certificates").iterdir())
    assert [path.name for path in local] == sorted(certificate_files((ONE, OTHER)))
    assert {path.stat().st_mode & 0o777 for path in local} == {0o644}
    assert (root / STORE).read_bytes() == b"before\n"


def test_without_a_tool_the_store_is_appended_to(trust, monkeypatch):
    """Alpine has the store and no tool for it, and a base of one's own may have neither."""
    written(trust.root / STORE, b"before\n")
    assert (trust() / STORE).read_bytes().startswith(b"before\n")
    assert parse_certificates("store", (trust.root / STORE).read_bytes()) == tuple(
        parse_certificates(name, content)[0] for name, content in sorted(certificate_files((ONE, OTHER)).items())
    )


def test_python_and_node_find_them(trust):
    written(trust.root / CERTIFI, b"before\n")
    root = trust()
    for path in (CERTIFI, "usr/local/lib/imagefleet/runtime_ca.pem"):
        assert set(parse_certificates(path, (root / path).read_bytes())) == {ONE, OTHER}
    assert (root / CERTIFI).read_bytes().startswith(b"before\n")


@pytest.mark.parametrize("virtual_env", ["/app/api/.venv", None], ids=["without-certifi", "no-environment"])
def test_an_image_without_certifi(trust, virtual_env):
    assert not (trust(virtual_env=virtual_env) / CERTIFI).exists()


def test_files_that_the_environment_names_in_place_of_stores(trust):
    """A company's base may have them; what they name is all that its programs trust."""
    for name in ("base.pem", "node.pem"):
        written(trust.root / f"etc/{name}", b"before\n")
    written(trust.root / STORE, b"before\n")
    environment = {
        "SSL_CERT_FILE": "/etc/base.pem",
        "REQUESTS_CA_BUNDLE": "/etc/base.pem",
        "CURL_CA_BUNDLE": f"/{STORE}",
        "NODE_EXTRA_CA_CERTS": "/etc/node.pem",
        "OTHER": "/etc/other.pem",
    }
    root = trust(environment=environment)
    for path in ("etc/base.pem", STORE):
        content = (root / path).read_bytes()
        assert content.startswith(b"before\n")
        assert content.count(b"BEGIN CERTIFICATE") == 2
    assert (root / "etc/node.pem").read_bytes() == b"before\n"
    assert (root / "usr/local/lib/imagefleet/runtime_ca.pem").read_bytes().endswith(b"before\n")
    assert not (root / "etc/other.pem").exists()
    assert trust(environment={"SSL_CERT_FILE": "/etc/it's gone"})
