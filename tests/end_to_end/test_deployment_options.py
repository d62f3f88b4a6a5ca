# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a deployment come to on an engine: limits, logging, migration, images, releases, grace."""

from __future__ import annotations

import json
import subprocess

import pytest

from support.deployed_site import NEW

LIMITS = {"api": {"cpus": 0.75, "memory": "400m", "pids": 123}}
LOGGING = {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}}


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


@pytest.fixture
def redis_image(registry, site):
    """A tag of somebody else's that moves."""
    return f"{registry}/{site.project}/redis:6-alpine"


@pytest.fixture
def deploy(play, registry, redis_image):
    def run(**variables):
        images = {"postgres": "postgres:15-alpine", "nginx": "nginx:latest"}
        return play(
            "deploy", NEW,
            deployment_image_map={
                "redis": redis_image, **{name: f"{registry}/bases/{image}" for name, image in images.items()}
            },
            **{"deployment_resources": LIMITS, "deployment_logging": LOGGING, **variables},
        )  # fmt: skip

    return run


def inspected(site, service):
    return json.loads(docker("inspect", f"{site.project}-{service}-1"))[0]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"deployment_profiles": ["milvus"]}, "has no profile milvus .it has .*postgresql"),
        ({"deployment_resources": {"apy": {"memory": "1g"}}}, "resources have apy, which the release does not start"),
        ({"deployment_resources": {"api": {"mem": "1g"}}}, "Compose refuses .*mem"),
        ({"deployment_logging": {"drivr": "journald"}}, "Compose refuses .*drivr"),
    ],
)
def test_what_is_refused(build, deploy, site, registry, redis_image, variables, message):
    if not site.folder.exists():
        build(images_version=NEW)
        docker("buildx", "imagetools", "create", "--tag", redis_image, f"{registry}/bases/redis:6-alpine")
    with pytest.raises(pytest.fail.Exception, match=message):
        deploy(**variables)
    assert not (site.folder / "docker").exists()


def test_migration_command(deploy, site):
    with pytest.raises(pytest.fail.Exception, match="no migration of mine"):
        deploy(deployment_migration_command=["sh", "-c", "echo no migration of mine >&2; exit 3"])
    assert site.state["pending"]["phase"] == "migrating"


def test_profiles_limits_and_logging(deploy, site):
    deploy(deployment_profiles=["postgresql"])
    assert "COMPOSE_PROFILES=postgresql" in (site.folder / "docker/.env").read_text()
    api = inspected(site, "api")["HostConfig"]
    assert (api["NanoCpus"], api["Memory"], api["PidsLimit"]) == (750_000_000, 400 * 1024**2, 123)
    for service in ("api", "worker", "web", "nginx", "redis", "db_postgres", "ssrf_proxy"):
        assert inspected(site, service)["HostConfig"]["LogConfig"] == {
            "Type": "json-file",
            "Config": {"max-size": "1m", "max-file": "2"},
        }


def test_refreshed_images(deploy, site, registry, redis_image):
    before = inspected(site, "redis")["Config"]["Image"]
    note = ("--annotation", "index:a.note=moved")
    docker("buildx", "imagetools", "create", *note, "--tag", redis_image, f"{registry}/bases/redis:6-alpine")
    assert changed_of(deploy()) == 0
    deploy(deployment_refresh_images=True)
    after = inspected(site, "redis")["Config"]["Image"]
    assert before != after
    assert changed_of(deploy()) == 0


def test_releases_that_stay_and_grace(deploy, site):
    deploy(deployment_environment={"LOG_LEVEL": "DEBUG"}, deployment_keep_releases=0, deployment_rolling=[])
    with subprocess.Popen(["docker", "wait", f"{site.project}-api-1"], stdout=subprocess.PIPE, text=True) as waiting:
        deploy(deployment_environment={"LOG_LEVEL": "WARNING"}, deployment_keep_releases=0, deployment_grace=0)
        # Killed at once; by its own it ends with 0.
        assert waiting.communicate(timeout=60)[0].strip() == "137"
    kept = {path.name for path in (site.folder / "releases").iterdir() if not path.name.startswith(".")}
    assert kept == {site.state["active"], site.state["previous"]}
