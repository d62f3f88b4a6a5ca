# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import named
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.verification import (
    Check,
    judge_containers,
    judge_secrets,
)

DIGEST = "sha256:" + "a" * 64
PLATFORM = "linux/arm64"
HEALTH = "it runs and is healthy"
PINNED = "it is the image that the release pins"
NATIVE = "its image is for this host's platform"


def image(wanted="redis:6", component=None):
    return {"wanted": wanted, "digest": DIGEST, **({"component": component} if component else {})}


def release(**images):
    return named("1", commit=None, images=images, schema="s", migration=(), owners={}, files="f", environment="e")


def container(
    service="redis",
    running=True,
    health=None,
    exit_code=0,
    restart="always",
    of=f"redis@{DIGEST}",
    env=(),
    args=(),
    labels=(),
):
    return {
        "Image": "sha256:id",
        "Args": list(args),
        "State": {
            "Running": running,
            "ExitCode": exit_code,
            **({"Health": {"Status": health}} if health else {}),
        },
        "Config": {
            "Image": of,
            "Env": list(env),
            "Cmd": None,
            "Labels": {**dict(labels), "com.docker.compose.service": service},
        },
        "HostConfig": {"RestartPolicy": {"Name": restart}},
    }


def failures(containers, architectures=(("sha256:id", PLATFORM),), **images):
    checks = judge_containers(release(**(images or {"redis": image()})), containers, dict(architectures), PLATFORM)
    return [(check.name, check.service, check.detail) for check in checks if not check.passed]


@pytest.mark.parametrize(
    "containers, expected",
    [
        pytest.param([container()], [], id="as-it-should-be"),
        pytest.param([container(health="healthy")], [], id="healthy"),
        pytest.param([container(), container()], [], id="two-of-them"),
        pytest.param([], [(HEALTH, "redis", "no container of it runs")], id="none"),
        pytest.param([container(running=False)], [(HEALTH, "redis", "no container of it runs")], id="ended"),
        pytest.param([container(running=False, restart="no")], [], id="job-that-ended"),
        pytest.param([container(running=False, restart="")], [], id="job-without-a-policy"),
        pytest.param(
            [container(running=False, restart="no", exit_code=1)],
            [(HEALTH, "redis", "no container of it runs")],
            id="job-that-failed",
        ),
        pytest.param([container(health="unhealthy")], [(HEALTH, "redis", "unhealthy")], id="unhealthy"),
        pytest.param([container(health="starting")], [(HEALTH, "redis", "starting")], id="starting"),
        pytest.param(
            [container(health="healthy"), container(health="unhealthy")],
            [(HEALTH, "redis", "unhealthy")],
            id="one-of-two-unhealthy",
        ),
        pytest.param([container(of="redis:6")], [(PINNED, "redis", "redis:6")], id="image-by-tag"),
        pytest.param(
            [container(of="redis@sha256:" + "b" * 64)],
            [(PINNED, "redis", "redis@sha256:" + "b" * 64)],
            id="another-image",
        ),
        pytest.param(
            [container(), container("other")],
            [("it belongs to the release", "other", "the release has no such service")],
            id="service-of-no-release",
        ),
    ],
)
def test_judge_containers(containers, expected):
    assert failures(containers) == expected


@pytest.mark.parametrize(
    "architectures, detail",
    [
        pytest.param({"sha256:id": "linux/amd64"}, "linux/amd64", id="another"),
        pytest.param({}, "unknown", id="unknown"),
    ],
)
def test_an_image_for_another_platform(architectures, detail):
    assert failures([container()], architectures) == [(NATIVE, "redis", detail)]


def test_what_is_looked_at():
    checks = judge_containers(release(redis=image()), [container()], {"sha256:id": PLATFORM}, PLATFORM)
    assert [check.as_json() for check in checks] == [
        {"name": name, "service": "redis", "passed": True, "detail": ""} for name in (HEALTH, PINNED, NATIVE)
    ]


SECRETS = {
    "SECRET_KEY": "secret-of-all",
    "DB_PASSWORD": "secret-of-db",
    "POSTGRES_PASSWORD": "secret-of-db",
    "REDIS_PASSWORD": "secret-of-redis",
    "ODD_TOKEN": "it's \\odd\" ä",
    "SHORT_TOKEN": "abc",
    "EMPTY_TOKEN": "",
}


@pytest.mark.parametrize(
    "service, wanted, env, seen",
    [
        pytest.param("redis", image(), ["A=1", "B=abc"], "", id="none"),
        pytest.param("redis", image(), ["A=secret-of-redis"], "", id="its-own"),
        pytest.param("db", image("postgres:15"), ["POSTGRES_PASSWORD=secret-of-db"], "", id="its-own-by-another-name"),
        pytest.param("redis", image(), ["A=secret-of-all"], "SECRET_KEY", id="of-another"),
        pytest.param("redis", image(), ["A=x:secret-of-db@y"], "DB_PASSWORD, POSTGRES_PASSWORD", id="within-a-value"),
        pytest.param("nginx", image("nginx"), ["A=secret-of-redis"], "REDIS_PASSWORD", id="service-that-needs-none"),
        pytest.param("web", image("r/web:1", "web"), ["A=secret-of-all"], "SECRET_KEY", id="of-ours-and-needs-none"),
        pytest.param("nginx", image("nginx"), [f"A={SECRETS['ODD_TOKEN']}"], "ODD_TOKEN", id="with-odd-characters"),
    ],
)
def test_judge_secrets(service, wanted, env, seen):
    checks = judge_secrets(release(**{service: wanted}), [container(service, env=env)], SECRETS)
    assert checks == [Check("it was given no secret of another service", service, not seen, seen)]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"args": ["--password", "secret-of-all"]}, id="arguments"),
        pytest.param({"labels": {"a": "secret-of-all"}}, id="labels"),
    ],
)
def test_other_places_of_a_secret(place):
    (check,) = judge_secrets(release(nginx=image("nginx")), [container("nginx", **place)], SECRETS)
    assert (check.passed, check.detail) == (False, "SECRET_KEY")


@pytest.mark.parametrize(
    "service, wanted",
    [
        pytest.param("api", image("langgenius/dify-api:1"), id="program-of-upstream"),
        pytest.param("worker", image("r.example/x:1", "api"), id="program-of-ours"),
        pytest.param("plugin_daemon", image("langgenius/dify-plugin-daemon:1"), id="plugin-daemon"),
        pytest.param("other", image(), id="service-of-no-release"),
    ],
)
def test_services_that_are_not_looked_at(service, wanted):
    images = {} if service == "other" else {service: wanted}
    assert judge_secrets(release(**images), [container(service, env=["A=secret-of-all"])], SECRETS) == []


def test_no_value_of_a_secret_is_told():
    (check,) = judge_secrets(release(nginx=image("nginx")), [container("nginx", env=["A=secret-of-all"])], SECRETS)
    assert "secret-of-all" not in str(check.as_json())
