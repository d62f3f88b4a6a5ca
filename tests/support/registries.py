# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries that tests start for themselves, on loopback, with a folder of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

# bcrypt of the password, the only form that the registry takes.
HTPASSWD = "ci:$2y$05$C7pGeRex2D1tpfCNcCMIrelOIUfv1RPP3ERP.YKLqJiDSjIXeBTZu\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def make_certificates(folder: Path, address: str = "127.0.0.1") -> None:
    """A CA and a certificate for loopback and an address, signed by it."""

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
    (folder / "extensions").write_text(f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{address}")
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


@contextlib.contextmanager
def running_registry(
    folder: Path,
    http: dict,
    address: str = "127.0.0.1",
    deletes: bool = True,
    access_log: Path = Path(os.devnull),
    port: int | None = None,
    **more,
):
    """A registry of its own on loopback or an address of this machine, stopped at the end; its port."""
    port = port or free_port()
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": deletes}},
        "http": {"addr": f"{address}:{port}", **http},
        **more,
    }
    (folder / "config.yml").write_text(json.dumps(config))
    program = shutil.which("docker-registry") or "registry"
    with access_log.open("ab") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")], stdout=log, stderr=subprocess.DEVNULL
        )
    try:
        await_port(port, address)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def registry_with_login(folder: Path, **more):
    """One with TLS and a password, as an entry of ``registries``."""
    make_certificates(folder)
    (folder / "htpasswd").write_text(HTPASSWD)
    tls = {"tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}}
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with running_registry(folder, tls, auth=auth, **more) as port:
        yield {
            "host": f"localhost:{port}",
            "ca": str(folder / "ca.crt"),
            "username": "ci",
            "password": "hunter2",
        }


def await_port(port: int, address: str = "127.0.0.1") -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as client:
            if client.connect_ex((address, port)) == 0:
                return
        assert time.monotonic() < deadline, "the registry did not start"
        time.sleep(0.1)
