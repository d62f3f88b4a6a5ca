# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample started by hand with Compose, used, and taken over with its data; and back to how it was."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from support.deployed_site import OLD, free_port

PASSWORDS = {"DB_PASSWORD": "made-by-hand-1", "REDIS_PASSWORD": "made-by-hand-2"}


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


@pytest.fixture(scope="module")
def made_by_hand(source, site, registry):
    """What a user has after upstream's instructions: the folder docker with a file .env of their own."""
    folder = source / "by-hand/docker"
    folder.parent.mkdir()
    archive = subprocess.run(
        ["git", "-C", source / "source", "archive", OLD, "docker"], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", folder.parent], input=archive.stdout, check=True)
    text = (folder / ".env.example").read_text().replace("EXPOSE_NGINX_PORT=80", f"EXPOSE_NGINX_PORT={site.port}")
    for key, value in PASSWORDS.items():
        text = text.replace(f"{key}=difyai123456", f"{key}={value}")
    (folder / ".env").write_text(text.replace("LOG_LEVEL=INFO", "LOG_LEVEL=WARNING"))
    ours = {name: f"{registry}/{site.project}/dify-{part}:{OLD}" for name, part in
            {"api": "api", "worker": "api", "web": "web", "ssrf_proxy": "ssrf_proxy"}.items()}  # fmt: skip
    bases = {"db": "postgres:15-alpine", "redis": "redis:6-alpine", "nginx": "nginx:latest"}
    images = {**ours, **{name: f"{registry}/bases/{image}" for name, image in bases.items()}}
    services = {name: {"image": image} for name, image in images.items()}
    (folder / "docker-compose.override.yaml").write_text(json.dumps({"services": services}))
    return folder


@pytest.fixture
def take_over(play, made_by_hand):
    def run(*options, playbook="deploy", **variables):
        return play(
            playbook, OLD, *options,
            **{"deployment_adopt": str(made_by_hand), "deployment_data_dir": str(made_by_hand / "volumes"), **variables},
        )  # fmt: skip

    return run


def start_by_hand(site, folder):
    subprocess.run(
        ["docker", "compose", "--project-name", site.project, "up", "--detach"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while True:
        try:
            return site.ask("/health")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def test_made_by_hand(build, site, made_by_hand):
    build(images_version=OLD)
    start_by_hand(site, made_by_hand)
    site.ask("/console/api/notes", {"title": "by hand", "text": "Written before anybody took it over."})
    assert "by hand" in site.notes()


def test_check_mode_shows_what_it_will_be(take_over, site):
    running = site.compose("ps", "--quiet").stdout
    output = take_over("--check", "--diff")
    assert '-        "db": "postgres:15-alpine"' in output
    assert "bases/postgres:15-alpine@sha256:" in output
    assert not [value for value in PASSWORDS.values() if value in output]
    assert not site.folder.exists()
    assert site.compose("ps", "--quiet").stdout == running


def test_two_never_have_the_same_data(take_over, site):
    with pytest.raises(
        pytest.fail.Exception, match=f"{site.project}-db-1 of the Compose project {site.project} uses the data"
    ):
        take_over(deployment_project=f"{site.project}-other", deployment_port=free_port())
    assert not site.folder.exists()


def test_it_is_taken_over(take_over, site):
    output = take_over("--diff", "-vvv")
    assert not [value for value in PASSWORDS.values() if value in output]
    assert site.ask("/health")["version"] == OLD
    assert "by hand" in site.notes()
    assert site.answer_to("Is it taken over?") == "answered"
    environment = (site.folder / "docker/.env").read_text().splitlines()
    assert {f"{key}={value}" for key, value in PASSWORDS.items()} | {"LOG_LEVEL=WARNING"} <= set(environment)
    (backup,) = (site.folder / "backups").iterdir()
    assert (backup / "db.dify.dump").stat().st_size > 0


def test_second_run_changes_nothing(take_over, play, site, made_by_hand):
    assert changed_of(take_over()) == 0
    # What was read is kept: the folder and the option are not needed any more.
    made_by_hand.joinpath(".env").rename(made_by_hand / "env.old")
    assert changed_of(play("deploy", OLD, deployment_data_dir=str(made_by_hand / "volumes"))) == 0
    made_by_hand.joinpath("env.old").rename(made_by_hand / ".env")


def test_verify(take_over):
    take_over(playbook="verify")


def test_back_to_how_it_was(take_over, site, made_by_hand):
    site.ask("/console/api/notes", {"title": "since", "text": "This one is lost."})
    (backup,) = (site.folder / "backups").iterdir()
    output = take_over(playbook="rollback", deployment_restore=True, deployment_restore_name=backup.name)
    assert "start the deployment as it was before" in output
    assert site.state == {"active": None, "previous": None, "pending": None}
    start_by_hand(site, made_by_hand)
    assert "by hand" in site.notes()
    assert "since" not in site.notes()
    take_over()
    assert "by hand" in site.notes()
