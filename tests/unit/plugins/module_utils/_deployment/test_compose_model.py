# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import (
    Service,
    component_of,
    needed_by,
    parse_config,
)


def service(name, *depends_on):
    return Service(name, "x", None, None, False, {}, dict.fromkeys(depends_on, "service_started"))


@pytest.mark.parametrize(
    "image, component",
    [
        pytest.param("langgenius/dify-api:1.0.0", "api", id="api"),
        pytest.param("langgenius/dify-web:1.0.0", "web", id="web"),
        pytest.param("langgenius/dify-sandbox:0.2.10", "sandbox", id="sandbox"),
        pytest.param("langgenius/dify-plugin-daemon:0.0.1-local", "plugin_daemon", id="plugin-daemon"),
        pytest.param("langgenius/dify-agent-backend", "agent_backend", id="without-a-tag"),
        pytest.param("docker.io/langgenius/dify-agent-local-sandbox:1", "local_sandbox", id="with-the-registry"),
        pytest.param("ubuntu/squid:latest", "ssrf_proxy", id="squid"),
        pytest.param("langgenius/dify-api@sha256:" + "a" * 64, "api", id="by-digest"),
        pytest.param("registry.example.com/langgenius/dify-api:1", None, id="another-registry"),
        pytest.param("redis:6-alpine", None, id="another-image"),
        pytest.param(None, None, id="only-built"),
    ],
)
def test_component_of(image, component):
    assert component_of(image) == component


@pytest.mark.parametrize(
    "section, attribute, value",
    [
        pytest.param({}, "image", None, id="no-image"),
        pytest.param({"image": "redis:6"}, "image", "redis:6", id="image"),
        pytest.param({"image": "langgenius/dify-api:1"}, "runs_the_program", True, id="program"),
        pytest.param({"image": "langgenius/dify-web:1"}, "runs_the_program", False, id="not-the-program"),
        pytest.param({"environment": {"MODE": "worker"}}, "mode", "worker", id="mode"),
        pytest.param({"environment": None}, "mode", None, id="no-environment"),
        pytest.param({"healthcheck": {"test": ["CMD", "true"]}}, "has_health_check", True, id="health-check"),
        pytest.param({"healthcheck": {"disable": True}}, "has_health_check", False, id="health-check-switched-off"),
        pytest.param({}, "has_health_check", False, id="no-health-check"),
        pytest.param(
            {
                "volumes": [
                    {"type": "bind", "source": "/p/a", "target": "/a", "bind": {}},
                    {"type": "volume", "source": "v", "target": "/v"},
                    {"type": "tmpfs", "target": "/t"},
                ]
            },
            "mounts",
            {"/p/a": "/a"},
            id="mounts-of-the-host",
        ),
        pytest.param({"volumes": None}, "mounts", {}, id="no-mounts"),
        pytest.param(
            {"depends_on": {"db": {"condition": "service_healthy", "required": True}, "redis": {}}},
            "depends_on",
            {"db": "service_healthy", "redis": ""},
            id="depends-on",
        ),
    ],
)
def test_service(section, attribute, value):
    (found,) = parse_config({"services": {"s": section}}).values()
    assert getattr(found, attribute) == value


@pytest.mark.parametrize("document", [{}, {"services": None}, {"services": {}}], ids=["missing", "null", "empty"])
def test_no_services(document):
    assert parse_config(document) == {}


def test_services_are_sorted():
    assert list(parse_config({"services": {"web": {}, "api": {}}})) == ["api", "web"]


@pytest.mark.parametrize(
    "services, needed",
    [
        pytest.param([service("api")], [], id="none"),
        pytest.param([service("api", "redis", "db"), service("db"), service("redis")], ["db", "redis"], id="direct"),
        pytest.param([service("api", "db"), service("db", "init"), service("init")], ["db", "init"], id="indirect"),
        pytest.param([service("api", "db", "db_mysql"), service("db")], ["db"], id="only-what-is-started"),
        pytest.param(
            [service("api", "a", "b"), service("a", "c"), service("b", "c"), service("c")], ["a", "b", "c"], id="shared"
        ),
        pytest.param([service("api", "a"), service("a", "b"), service("b", "a")], ["a", "b"], id="a-circle-ends"),
        pytest.param([service("web")], [], id="not-there"),
    ],
)
def test_needed_by(services, needed):
    assert needed_by({each.name: each for each in services}, "api") == needed
