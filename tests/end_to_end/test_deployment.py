# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample deployed by Compose, used, upgraded with its data, replaced under load, rolled back, and broken on purpose."""

from __future__ import annotations

import importlib
import json
import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from support.deployed_site import ACKNOWLEDGED, NEW, OLD
from support.load import load_on

MODULES = (
    "deployment_preflight",
    "deployment_pull",
    "deployment_release",
    "deployment_backup",
    "deployment_restore",
    "deployment_state",
    "deployment_services",
    "deployment_rollout",
    "deployment_verify",
    "deployment_info",
)


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


def test_first_release(build, play, site):
    assert "unknown until" in play("deploy", OLD, "--check")
    build(images_version=OLD)
    assert "unknown until" not in build(images_version=NEW)
    output = play("deploy", OLD, "-vvv", "--diff")
    assert site.ask("/health")["version"] == OLD
    for value in site.secrets().values():
        assert value not in output
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in site.folder.iterdir()}
    assert modes["secrets.env"] == 0o600
    assert stat.S_IMODE((site.folder / "docker/.env").stat().st_mode) == 0o600


def test_it_is_used(site):
    site.ask("/console/api/notes", {"title": "ours", "text": "Kept over the upgrade."})
    assert site.answer_to("What is kept over the upgrade?") == "answered"


def test_second_run_and_check_mode_change_nothing(play, site):
    before = site.state
    assert changed_of(play("deploy", OLD)) == 0
    assert changed_of(play("deploy", OLD, "--check", "--diff")) == 0
    assert site.state == before


def test_a_unit_only_where_systemd_runs(play, site):
    systemd = Path("/run/systemd/system").exists()
    assert (changed_of(play("deploy", OLD, "--check", deployment_systemd="auto")) > 0) == systemd
    if not systemd:
        with pytest.raises(pytest.fail.Exception, match="does not run systemd, and deployment_systemd is present"):
            play("deploy", OLD, "--check", deployment_systemd="present")


def test_upgrade_with_its_data(play, site):
    notes, secrets = site.notes(), site.secrets()
    assert "ours" in notes
    with pytest.raises(pytest.fail.Exception, match="plugins: from 1.0 on.* renamed-database: the service db"):
        play("deploy", NEW)
    assert site.ask("/health")["version"] == OLD
    output = play("deploy", NEW, "--diff", deployment_acknowledge=ACKNOWLEDGED)
    assert "db_postgres" in output
    assert site.ask("/health")["version"] == NEW
    assert site.notes() == notes
    # The newer release has a store of vectors, and so a password more.
    assert secrets.items() < site.secrets().items()
    assert site.answer_to("What is kept over the upgrade?") == "answered"


def test_no_way_back_over_a_migration(play, site):
    before = site.state
    with pytest.raises(pytest.fail.Exception, match="the database was migrated"):
        play("rollback", NEW)
    with pytest.raises(pytest.fail.Exception, match="older and knows another database"):
        play("deploy", OLD)
    assert site.state == before
    assert site.ask("/health")["version"] == NEW


def test_back_over_a_migration_by_the_backup(play, site):
    notes, secrets, after = site.notes(), site.secrets(), site.state["active"]
    site.ask("/console/api/notes", {"title": "written since", "text": "This one is lost."})
    output = play("rollback", NEW, deployment_restore="true")
    assert "What was written after" in output
    assert site.ask("/health")["version"] == OLD
    assert site.notes() == notes
    assert site.secrets() == secrets
    assert site.state["pending"] is None
    assert site.answer_to("What is kept over the upgrade?") == "answered"
    play("deploy", NEW, deployment_acknowledge=ACKNOWLEDGED)
    assert site.notes() == notes
    assert site.state["active"] == after
    backup = max((site.folder / "backups").iterdir(), key=lambda folder: folder.stat().st_mtime)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    (backup / "db.dify.dump").write_bytes(b"damaged")
    with pytest.raises(pytest.fail.Exception, match="is damaged: db.dify.dump. Nothing was restored"):
        play("rollback", NEW, deployment_restore=True, deployment_restore_name=backup.name)
    assert site.ask("/health")["version"] == NEW


def test_verify(play, site, source):
    output = play("verify", NEW)
    assert changed_of(output) == 0
    checks = json.loads((source / "report/verify-localhost.json").read_text())["checks"]
    assert {check["passed"] for check in checks} == {True}
    assert {"it takes a task and finishes it", "it refuses a private address"} <= {check["name"] for check in checks}
    subprocess.run(["docker", "pause", f"{site.project}-worker-1"], check=True, capture_output=True)
    try:
        with pytest.raises(pytest.fail.Exception, match="worker: it takes a task and finishes it: no worker answers"):
            play("verify", NEW, deployment_verify_timeout=10)
    finally:
        subprocess.run(["docker", "unpause", f"{site.project}-worker-1"], check=True, capture_output=True)


def test_another_environment_without_a_request_that_fails(play, site):
    before = site.state["active"]
    with load_on(f"{site.url}/console/api/notes", f"{site.url}/", each=2) as load:
        play("deploy", NEW, deployment_environment={"LOG_LEVEL": "DEBUG"})
    assert load.failures == []
    assert load.sent > 100
    assert site.state["previous"] == before
    with load_on(f"{site.url}/console/api/notes", f"{site.url}/", each=2) as load:
        play("rollback", NEW)
    assert load.failures == []
    assert site.state["active"] == before


def test_nginx_finds_what_has_another_address(play, site, registry):
    """Api and web are recreated while others hold the addresses that they had."""
    names = [f"{site.project}-{service}" for service in ("api", "web")]
    found = subprocess.run(
        ["docker", "ps", "-q", *(f"--filter=name={name}-" for name in names)], capture_output=True, text=True
    )
    subprocess.run(["docker", "rm", "--force", *found.stdout.split()], check=True, capture_output=True)
    holders = [f"{site.project}-holder-{number}" for number in (1, 2, 3)]
    try:
        for holder in holders:
            subprocess.run(
                ["docker", "run", "--detach", "--name", holder, "--network", f"{site.project}_default",
                 f"{registry}/bases/busybox:latest", "sleep", "600"],
                check=True, capture_output=True,
            )  # fmt: skip
        play("deploy", NEW)
    finally:
        subprocess.run(["docker", "rm", "--force", *holders], check=True, capture_output=True)
    assert site.ask("/health")["version"] == NEW
    with urllib.request.urlopen(f"{site.url}/", timeout=30) as page:
        assert "html" in page.headers["Content-Type"]


def test_a_release_that_does_not_come_up(play, site):
    before = site.state["active"]
    with (
        load_on(f"{site.url}/console/api/notes") as load,
        pytest.raises(pytest.fail.Exception, match=f"Release {before} runs again"),
    ):
        play("deploy", NEW, deployment_resources={"api": {"memory": "16m"}}, deployment_wait_timeout=30)
    assert load.failures == []
    assert site.state["active"] == before
    assert site.state["pending"] is None


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"deployment_environment": {"LOG_LEVLE": "INFO"}}, "LOG_LEVLE .is LOG_LEVEL meant"),
        ({"deployment_environment": {"DB_PASSWORD": "x"}}, "DB_PASSWORD in the deployment's environment is secret"),
        ({"deployment_secrets": {"DB_PASSWORD": "difyai123456"}}, "DB_PASSWORD is what upstream publishes"),
        (
            {"deployment_min_memory": 100000, "deployment_min_disk": 10000000, "deployment_port": 5000},
            "min_memory wants 100000.*min_disk wants.*Port 5000 is taken",
        ),
        ({"deployment_images": {"sandbox": "localhost:5000/a/b:1"}}, "runs no sandbox"),
        ({"deployment_tag": "no-such-tag"}, "there is no .*dify-api:no-such-tag in the registry"),
        ({"deployment_tls_port": 5000}, "Port 5000 is taken"),
        (
            {"deployment_tls": {"certificate": "/one", "key": "/two", "names": ["a"]}},
            "deployment_tls wants either names",
        ),
        ({"deployment_environment": {"NGINX_HTTPS_ENABLED": "true"}}, "nginx has no certificate. Give one by tls"),
    ],
)
def test_what_is_refused(play, site, variables, message):
    before = site.state
    with pytest.raises(pytest.fail.Exception, match=message):
        play("deploy", NEW, **variables)
    assert site.state == before


def test_examples(run_playbook, site, source, registry, tmp_path):
    loaded = (
        importlib.import_module(f"ansible_collections.imagefleet.dify.plugins.modules.{name}") for name in MODULES
    )
    text = "".join(module.EXAMPLES for module in loaded).replace("localhost:8080", site.url[7:])
    for option in ("project", "project_name"):
        text = text.replace(f"{option}: dify", f"{option}: {site.project}")
    text = text.replace('"8080"', f'"{site.port}"').replace("localhost:5000/dify/", f"{registry}/{site.project}/")
    tasks = yaml.safe_load(text.replace("localhost:5000/bases/", f"{registry}/bases/"))
    named = {task["name"]: task for task in tasks}
    # The others go on with the release that runs, and with the backup that is made.
    named["Prepare the release"].pop("register")
    named["Make a backup"]["register"] = "made"
    tag = ["git", "-C", source / "source", "rev-parse", "--short=12", NEW]
    commit = subprocess.run(tag, check=True, capture_output=True, text=True).stdout.strip()
    before = site.state
    play = {
        "name": "Run the examples",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "deployment": str(site.folder),
            "folder": str(tmp_path),
            "source": str(source / "checkout/worktrees" / commit),
            "prepared": {"release": site.release(before["active"])},
            "vault_registry_password": "hunter2",
        },
        "tasks": tasks,
    }
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([play], sort_keys=False))
    run_playbook(playbook)
    assert site.state["active"] == before["active"]
