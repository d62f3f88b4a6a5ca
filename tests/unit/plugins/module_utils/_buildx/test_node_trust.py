# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from socket import create_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_trust import why_untrusted


class Authority:
    """Signs certificates for loopback into a folder."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        self.write("ca.crt", self.sign(self.name, self.key, timedelta(days=-1), x509.BasicConstraints(True, None)))

    def sign(self, subject, key, begins, extension):
        begin = datetime.now(timezone.utc) + begins
        made = x509.CertificateBuilder(
            self.name, subject, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(days=2)
        ).add_extension(extension, critical=False)
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def make(self, name, begins=timedelta(days=-1)):
        """Options of a node: the authority, a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "cacert": str(self.folder / "ca.crt"),
            "cert": self.write(f"{name}.crt", self.sign(subject, key, begins, names)),
            "key": self.write(f"{name}.key", encoded),
        }


@contextmanager
def daemon(files):
    """Lets in whom its authority signed, and says one byte."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["cacert"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files["cert"], files["key"])

    def serve():
        plain, _address = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.send(b"x")
        except OSError:
            plain.close()

    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.fixture
def ours(tmp_path):
    return Authority(tmp_path / "ours")


@pytest.fixture
def another(tmp_path):
    return Authority(tmp_path / "another")


def test_whom_it_trusts(ours):
    with daemon(ours.make("node")) as endpoint:
        assert why_untrusted(endpoint, ours.make("client")) is None


@pytest.mark.parametrize(
    "begins, why",
    [
        pytest.param(
            timedelta(days=1), "its certificate is refused: certificate is not yet valid. The clock", id="early"
        ),
        pytest.param(timedelta(days=-3), "its certificate is refused: certificate has expired. The clock", id="late"),
    ],
)
def test_clocks(ours, begins, why):
    with daemon(ours.make("node", begins)) as endpoint:
        assert why_untrusted(endpoint, ours.make("client")).startswith(why)


def test_authorities(ours, another):
    with daemon(another.make("node")) as endpoint:
        assert "self-signed certificate in certificate chain" in why_untrusted(endpoint, ours.make("client"))
    with daemon(ours.make("node")) as endpoint:
        stranger = {**another.make("client"), "cacert": ours.make("client")["cacert"]}
        assert why_untrusted(endpoint, stranger).startswith("it refuses: ")


def test_another_name(ours):
    with daemon(ours.make("node")) as endpoint:
        reason = why_untrusted(endpoint, {**ours.make("client"), "servername": "other.example.com"})
        assert reason.startswith("its certificate is refused: Hostname mismatch")


@pytest.mark.parametrize(
    "endpoint, options",
    [
        pytest.param("tcp://127.0.0.1:1", {}, id="no-tls"),
        pytest.param("unix:///run/buildkit.sock", {"cacert": "/ca"}, id="no-network"),
        pytest.param(None, {"cacert": "/ca"}, id="no-endpoint"),
        pytest.param("tcp://127.0.0.1:1", {"cacert": "/absent"}, id="no-such-file"),
        pytest.param("tcp://127.0.0.1:none", {"cacert": "/absent"}, id="no-port"),
    ],
)
def test_what_trust_is_no_matter_of(endpoint, options):
    assert why_untrusted(endpoint, options) is None


def test_nobody_listens(ours):
    assert why_untrusted("tcp://127.0.0.1:1", ours.make("client")) is None
