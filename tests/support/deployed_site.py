# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment of the sample on this machine, as tests look at it and use it."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Releases of the sample, and the platform of this machine.
OLD, NEW = "0.15.90", "1.15.90"
PLATFORM = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
#: What has to be said yes to between them.
ACKNOWLEDGED = ["plugins", "renamed-database"]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for_port(host, port, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((host, port), 2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@dataclass
class Site:
    """A deployment of the sample: its folder on this machine, its project and its address."""

    folder: Path
    project: str
    port: int
    tls_port: int

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    @property
    def state(self):
        return json.loads((self.folder / "state.json").read_text())

    def release(self, name):
        """The record of a release."""
        return json.loads((self.folder / "releases" / name / "release.json").read_text())

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def sql(self, service, database, statement):
        """What a database of a service answers, as text."""
        command = ("psql", "-U", "postgres", "-d", database, "-Atc", statement)
        return self.compose("exec", "-T", service, *command).stdout.strip()

    def mysql(self, statement):
        """The same of MySQL."""
        script = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql --user=root --batch --skip-column-names --execute="$1"'
        return self.compose("exec", "-T", "db_mysql", "sh", "-c", script, "sh", statement).stdout.strip()

    def container(self, service):
        """The name and number of a service's container."""
        return self.compose("ps", "--format", "{{.Name}} {{.ID}}", service).stdout.split()

    def certificate_names(self, ca=None, name="localhost"):
        """The names in the certificate that it answers with, which the authority must have signed."""
        context = ssl.create_default_context(cafile=ca or self.folder / "tls/ca.crt")
        with (
            socket.create_connection(("localhost", self.tls_port), timeout=30) as connection,
            context.wrap_socket(connection, server_hostname=name) as answer,
        ):
            return [value for _kind, value in answer.getpeercert()["subjectAltName"]]

    def notes(self):
        return sorted(note["title"] for note in self.ask("/console/api/notes")["data"])

    def answer_to(self, question):
        asked = self.ask("/console/api/questions", {"question": question})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.ask(f"/console/api/questions/{asked['id']}")
            if found["status"] != "waiting":
                return found["status"]
            time.sleep(0.5)
        pytest.fail("the worker answered nothing in 60 s")

    def secrets(self):
        lines = (self.folder / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def remove(self):
        """All of it, data and secrets too."""
        self.compose("down", "--volumes", "--remove-orphans")
        shutil.rmtree(self.folder, ignore_errors=True)

    def compose(self, *arguments):
        return subprocess.run(
            ["docker", "compose", "--project-name", self.project, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )


def variables_of(site: Site, version: str, source: Path, registry: str) -> dict:
    """Variables of the role for a release on a site."""
    images = (("postgres", "postgres:15-alpine"), ("redis", "redis:6-alpine"), ("nginx", "nginx:latest"))
    return {
        "deployment_version": version,
        "deployment_source": {"repo": str(source / "source")},
        "deployment_source_dest": str(source / "checkout"),
        "deployment_dir": str(site.folder),
        "deployment_project": site.project,
        "deployment_port": site.port,
        "deployment_tls_port": site.tls_port,
        "deployment_registry": registry,
        "deployment_namespace": site.project,
        "deployment_min_disk": 1,
        # On a machine with systemd it would stay behind.
        "deployment_systemd": "absent",
        "deployment_image_map": {name: f"{registry}/bases/{reference}" for name, reference in images},
        "deployment_api_path": "/console/api/notes",
        "deployment_queue": "note",
        "deployment_report_dir": str(source / "report"),
    }
