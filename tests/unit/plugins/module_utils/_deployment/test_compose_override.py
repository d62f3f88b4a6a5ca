# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_override import (
    FILES_LABEL,
    RELEASE_COMMENT,
    Wishes,
    override,
    render,
)


def service(name, component=None, mode=None, has_health_check=True):
    return Service(name, "x", component, mode, has_health_check, {}, {})


def section_of(each, pins=(), files=(), wishes=None):
    return override({each.name: each}, dict(pins), dict(files), wishes or Wishes())["services"][each.name]


@pytest.mark.parametrize(
    "each, pins, files, wishes, section",
    [
        pytest.param(service("redis"), {}, {}, Wishes(), {}, id="nothing"),
        pytest.param(service("redis"), {"redis": "r@d"}, {}, Wishes(), {"image": "r@d"}, id="pinned"),
        pytest.param(service("redis"), {"db": "r@d"}, {"db": "h"}, Wishes(), {}, id="of-another-service"),
        pytest.param(service("redis"), {}, {"redis": "h"}, Wishes(), {"labels": {FILES_LABEL: "h"}}, id="files"),
        pytest.param(
            service("api", "api"),
            {},
            {},
            Wishes(),
            {"environment": {"MIGRATION_ENABLED": "false"}},
            id="migrations-off",
        ),
        pytest.param(
            service("worker", "api", "worker"),
            {},
            {},
            Wishes(),
            {"environment": {"MIGRATION_ENABLED": "false"}},
            id="migrations-off-in-each-mode",
        ),
        pytest.param(
            service("redis"),
            {},
            {},
            Wishes(logging={"driver": "journald"}),
            {"logging": {"driver": "journald"}},
            id="logging",
        ),
        pytest.param(
            service("redis"),
            {},
            {},
            Wishes(resources={"redis": {"memory": "2g"}, "db": {"cpus": "1"}}),
            {"deploy": {"resources": {"limits": {"memory": "2g"}}}},
            id="resources",
        ),
        pytest.param(
            service("nginx"),
            {},
            {},
            Wishes(nginx_conf_target="/etc/nginx/conf.d"),
            {"volumes": ["./imagefleet/nginx/conf.d:/etc/nginx/conf.d"]},
            id="configuration-of-nginx",
        ),
        pytest.param(service("nginx"), {}, {}, Wishes(), {}, id="nginx-with-its-own"),
        pytest.param(
            service("redis"), {}, {}, Wishes(nginx_conf_target="/etc/nginx/conf.d"), {}, id="configuration-of-no-other"
        ),
    ],
)
def test_override(each, pins, files, wishes, section):
    assert section_of(each, pins, files, wishes) == section


@pytest.mark.parametrize(
    "each, command, part",
    [
        pytest.param(service("api", "api", None, False), "python3", "'5001'", id="api-without-mode"),
        pytest.param(service("api", "api", "api", False), "python3", "/health", id="api"),
        pytest.param(service("worker", "api", "worker", False), "python3", "celery", id="worker"),
        pytest.param(service("worker_beat", "api", "beat", False), "python3", "celery", id="beat"),
        pytest.param(service("web", "web", None, False), "node", "NEXT_PUBLIC_BASE_PATH", id="web"),
    ],
)
def test_health_check(each, command, part):
    check = section_of(each)["healthcheck"]
    assert check["test"][:2] == ["CMD", command]
    assert part in check["test"][-1]
    assert set(check) == {"test", "interval", "timeout", "retries", "start_period"}
    assert check["start_period"] == "900s", (
        "as long as deployment_wait_timeout: Compose gives up on the first unhealthy"
    )


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(service("api", "api", "api", True), id="has-one"),
        pytest.param(service("redis", None, None, False), id="of-others"),
        pytest.param(service("sandbox", "sandbox", None, False), id="of-a-component-without"),
    ],
)
def test_no_health_check_of_ours(each):
    assert "healthcheck" not in section_of(each)


def test_the_api_is_asked_where_it_listens():
    check = section_of(service("api", "api", "api", False), wishes=Wishes(api_port=5002))["healthcheck"]
    assert "'5002'" in check["test"][-1]
    assert "5001" not in check["test"][-1]


def test_each_program_is_one():
    for mode in ("api", "worker"):
        program = section_of(service("api", "api", mode, False))["healthcheck"]["test"][-1]
        compile(program.replace("$$", "$"), mode, "exec")


def test_compose_replaces_nothing_in_a_health_check():
    for component in ("api", "web"):
        program = section_of(service(component, component, None, False))["healthcheck"]["test"][-1]
        assert "$" not in program.replace("$$", "")


def test_external():
    services = {
        "api": Service("api", "x", None, None, True, {}, {"db": "service_healthy", "redis": "service_started"}),
        "worker": Service("worker", "x", None, None, True, {}, {"redis": "service_started"}),
        "db": service("db"),
        "redis": service("redis"),
    }
    text = render(override(services, {}, {}, Wishes(external=["redis"])))
    assert '"redis": !reset null' in text
    api, worker = text.split('"depends_on": !override ')[1:]
    assert json.JSONDecoder().raw_decode(api)[0] == {"db": {"condition": "service_healthy", "required": True}}
    assert json.JSONDecoder().raw_decode(worker)[0] == {}
    assert "!" not in render(override(services, {}, {}, Wishes()))[len(RELEASE_COMMENT) :]


def test_render():
    document = {"services": {"b": {"image": "x"}, "a": {}}}
    text = render(document)
    assert text.startswith(RELEASE_COMMENT)
    assert json.loads(text[len(RELEASE_COMMENT) :]) == document
    assert text == render({"services": {"a": {}, "b": {"image": "x"}}})


def test_each_line_of_the_comment_is_one():
    assert all(line.startswith("#") for line in RELEASE_COMMENT.splitlines())
