# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample on a PostgreSQL and a Redis that are not the deployment's: deployed, used, verified, upgraded."""

from __future__ import annotations

import json
import subprocess

import pytest

from support.deployed_site import ACKNOWLEDGED, NEW, OLD, free_port, wait_for_port

PASSWORDS = {"DB_PASSWORD": "database/of@mine", "REDIS_PASSWORD": "redis-of-mine"}
SERVICES = {OLD: ["db", "redis"], NEW: ["db_postgres", "redis"]}


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def own_services(registry, site):
    """Containers outside of the deployment, on ports of the host. Where they are, as variables."""
    host = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    ports = {"db": free_port(), "redis": free_port()}
    login = (
        "--env",
        "POSTGRES_USER=dify",
        "--env",
        "POSTGRES_DB=notes",
        "--env",
        f"POSTGRES_PASSWORD={PASSWORDS['DB_PASSWORD']}",
    )
    docker("run", "--detach", "--name", f"{site.project}-own-db", "--publish", f"{ports['db']}:5432", *login,
           f"{registry}/bases/postgres:15-alpine")  # fmt: skip
    docker("run", "--detach", "--name", f"{site.project}-own-redis", "--publish", f"{ports['redis']}:6379",
           f"{registry}/bases/redis:6-alpine", "redis-server", "--requirepass", PASSWORDS["REDIS_PASSWORD"])  # fmt: skip
    for port in ports.values():
        wait_for_port(host, port)
    yield {
        "DB_HOST": host, "DB_PORT": ports["db"], "DB_USERNAME": "dify", "DB_DATABASE": "notes",
        "REDIS_HOST": host, "REDIS_PORT": ports["redis"],
    }  # fmt: skip
    docker("rm", "--force", "--volumes", f"{site.project}-own-db", f"{site.project}-own-redis")


@pytest.fixture
def deploy(play, registry, own_services):
    """Deploys a version on them."""

    def run(version, *options, playbook="deploy", **variables):
        return play(
            playbook, version, *options,
            **{
                "deployment_external": SERVICES[version],
                "deployment_environment": own_services,
                "deployment_secrets": PASSWORDS,
                "deployment_image_map": {"nginx": f"{registry}/bases/nginx:latest"},
                **variables,
            },
        )  # fmt: skip

    return run


@pytest.fixture
def own_dump():
    """The owner's backup of their database, in its container."""
    return "/var/lib/postgresql/before.dump"


def containers_of(site):
    return set(site.compose("ps", "--all", "--format", "{{.Service}}").stdout.split())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"deployment_external": ["postgres"]}, "starts no postgres .*There are db, redis"),
        ({"deployment_environment": {}}, "DB_HOST is db, the bundled db.*REDIS_HOST is redis, the bundled redis"),
        ({"deployment_secrets": {"DB_PASSWORD": "mine"}}, "secrets lack REDIS_PASSWORD"),
    ],
)
def test_what_is_refused(build, deploy, site, variables, message):
    if not site.folder.exists():
        build(images_version=OLD)
    with pytest.raises(pytest.fail.Exception, match=message):
        deploy(OLD, **variables)
    assert not (site.folder / "secrets.env").exists()


def test_what_cannot_be_reached(deploy, own_services, site):
    port = free_port()
    with pytest.raises(
        pytest.fail.Exception, match=f"redis at [0-9.]*:{port}: Connection refused.*Nothing was changed"
    ):
        deploy(OLD, deployment_environment={**own_services, "REDIS_PORT": port})
    assert not (site.folder / "secrets.env").exists()


def test_it_is_deployed_and_used(deploy, site):
    output = deploy(OLD, "-vvv", "--diff")
    assert not [value for value in PASSWORDS.values() if value in output]
    assert containers_of(site) == {"api", "worker", "web", "nginx", "ssrf_proxy"}
    site.ask("/console/api/notes", {"title": "ours", "text": "Kept in a database of our own."})
    assert site.answer_to("Where is it kept?") == "answered"
    select = ("psql", "-U", "dify", "-d", "notes", "-Atc", "SELECT title FROM notes")
    assert "ours" in docker("exec", f"{site.project}-own-db", *select).splitlines()
    assert "changed=0 " in deploy(OLD)


def test_upgrade_with_its_data(build, deploy, site, own_dump):
    docker("exec", f"{site.project}-own-db", "pg_dump", "-U", "dify", "-Fc", "-f", own_dump, "notes")
    build(images_version=NEW)
    notes = site.notes()
    with pytest.raises(pytest.fail.Exception, match="external-database: the database is your own"):
        deploy(NEW, deployment_acknowledge=ACKNOWLEDGED)
    deploy(NEW, deployment_acknowledge=[*ACKNOWLEDGED, "external-database"])
    assert site.ask("/health")["version"] == NEW
    assert site.notes() == notes
    assert containers_of(site) == {"api", "worker", "web", "nginx", "ssrf_proxy"}


def test_verify(deploy, site, source):
    deploy(NEW, playbook="verify")
    checks = json.loads((source / "report/verify-localhost.json").read_text())["checks"]
    assert all(check["passed"] for check in checks)
    assert {"db_postgres", "redis", "worker"} <= {check["service"] for check in checks}


def test_back_by_the_backup_and_the_owners_own(deploy, site, own_dump):
    before = site.state
    with pytest.raises(pytest.fail.Exception, match="without the database, which is your own"):
        deploy(NEW, playbook="rollback", deployment_restore=True)
    assert site.state == before
    site.ask("/console/api/notes", {"title": "since", "text": "This one is lost."})
    site.compose("stop", "api", "worker")
    database = f"{site.project}-own-db"
    docker("exec", database, "dropdb", "-U", "dify", "--force", "notes")
    docker("exec", database, "createdb", "-U", "dify", "notes")
    docker("exec", database, "pg_restore", "-U", "dify", "-d", "notes", own_dump)
    deploy(NEW, playbook="rollback", deployment_restore=True, deployment_acknowledge=["external-database"])
    assert site.ask("/health")["version"] == OLD
    assert "ours" in site.notes()
    assert "since" not in site.notes()


def test_what_the_bundled_ones_hold_does_not_come_along(play, site):
    with pytest.raises(pytest.fail.Exception, match="moved-data: a service that holds data"):
        play("deploy", OLD)
