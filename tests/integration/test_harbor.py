# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made in Harbor before a push. Harbor itself cannot be had here: its interface for projects, as it is documented, stands
before a registry that would take any repository.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings
from support.closed_registry import before

ROBOT = "Basic Y2k6aHVudGVyMg=="


class Harbor(BaseHTTPRequestHandler):
    """Knows one account, and has projects."""

    projects: dict[str, dict] = {}

    def do_HEAD(self):
        (name,) = parse_qs(urlsplit(self.path).query)["project_name"]
        self.answer(200 if name in self.projects else 404)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != ROBOT:
            return self.answer(401)
        if not self.path.startswith("/api/v2.0/projects"):
            return self.answer(404)
        there = asked["project_name"] == "made-meanwhile"
        self.projects[asked["project_name"]] = asked
        return self.answer(409 if there else 201)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture(name="harbor")
def harbor_server():
    Harbor.projects = {"here": {}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Harbor)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def client_of(host, **login):
    return RegistryClient([RegistrySettings(host, create="harbor", **login)])


@pytest.mark.parametrize("project", ["here", "new", "made-meanwhile"])
def test_a_project_is_made_where_there_is_none(harbor, project):
    client_of(harbor, username="ci", password="hunter2").make_repository(parse_reference(f"{harbor}/{project}/a/b"))
    assert project in Harbor.projects
    made = Harbor.projects[project]
    assert made in ({}, {"project_name": project, "metadata": {"public": "false"}})


def test_who_may_not_is_told_what_to_do(harbor, tmp_path):
    stranger = RegistryClient([RegistrySettings(harbor, create="harbor")], docker_config=str(tmp_path))
    with pytest.raises(
        CollectionError, match="does not make the project new: the account may not. Make it there by hand"
    ):
        stranger.make_repository(parse_reference(f"{harbor}/new/a"))


def test_a_registry_that_is_no_harbor_is_named(registry):
    with pytest.raises(CollectionError, match="no Harbor answers there. Take create out of its entry in registries"):
        client_of(registry).make_repository(parse_reference(f"{registry}/new/a"))


class ProjectsFirst:
    """Refuses what is written to a project that nobody made, as Harbor does; the paths of projects are its own."""

    def __init__(self):
        self.asked, self.made = None, set()

    def __call__(self, method, path):
        address = urlsplit(path)
        if address.path == "/api/v2.0/projects":
            if method == "HEAD":
                (self.asked,) = parse_qs(address.query)["project_name"]
                return None if self.asked in self.made else (404, "")
            self.made.add(self.asked)
            return 201, ""
        if method != "GET" and address.path.split("/")[2] not in self.made:
            return 404, '{"errors":[{"code":"NOT_FOUND","message":"project not found"}]}'
        return None


@pytest.fixture(name="projects_first")
def projects_before_a_registry(registry):
    projects = ProjectsFirst()
    with before(registry, projects) as host:
        yield host, projects


def test_an_image_is_built_and_promoted_into_projects_that_were_not_there(
    modules, projects_first, registry, prefix, tmp_path
):
    host, projects = projects_first
    (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\nRUN true\n")

    def build(**entry):
        return modules.run(
            "image_build",
            images=[{"name": "one"}],
            repository=f"{host}/{prefix}/one",
            context=str(tmp_path),
            platforms=["linux/amd64"],
            registries=[{"host": host, "http": True, **entry}],
        )

    assert "it answers 404 NOT_FOUND: project not found" in build()["msg"]
    built = build(create="harbor")
    assert not built.get("failed"), built["msg"]
    promoted = modules.run(
        "image_promote",
        reference=built["images"][0]["reference"],
        target_repository=f"{host}/{prefix}-released/one",
        tags=["1"],
        registries=[{"host": host, "http": True, "create": "harbor"}],
    )
    assert not promoted.get("failed"), promoted["msg"]
    assert projects.made == {prefix, f"{prefix}-released"}
