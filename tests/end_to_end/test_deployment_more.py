# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More of a deployment of the sample, for `make deployments`: two databases in a backup, failures on the way back, a browser."""

from __future__ import annotations

import importlib
import json
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from support.deployed_site import NEW, variables_of
from support.load import load_on

PROFILES = ["postgresql", "mysql", "pgvector"]
MYSQL = Path(__file__).parent / "mysql"


def changed_of(output):
    return int(output.rsplit("changed=", 1)[1].split()[0])


@pytest.fixture(scope="module")
def mysql(registry):
    """Debian's MariaDB by the name of the official image of MySQL."""
    reference = f"{registry}/deployed/mysql:8.0"
    build = ["docker", "buildx", "build", "--builder", "default", "--push", "--tag", reference]
    base = ["--build-context", f"debian:bookworm-slim=docker-image://{registry}/bases/debian:bookworm-slim"]
    subprocess.run([*build, *base, str(MYSQL)], check=True, capture_output=True)
    return reference


def test_release(build, play, site):
    build(images_version=NEW)
    play("deploy", NEW)
    site.ask("/console/api/notes", {"title": "ours", "text": "Kept."})


def test_every_database_is_in_a_backup(play, site, source, registry, mysql):
    before = site.state["active"]
    images = variables_of(site, NEW, source, registry)["deployment_image_map"]
    stores = {
        "deployment_profiles": PROFILES,
        "deployment_image_map": {
            **images,
            "pgvector/pgvector": f"{registry}/bases/postgres:15-alpine",
            "mysql": mysql,
        },
    }
    play("deploy", NEW, **stores)
    site.sql("db_postgres", "postgres", "CREATE DATABASE dify_plugin")
    site.sql("db_postgres", "dify_plugin", "CREATE TABLE plugins AS SELECT 'one' AS name")
    site.sql("pgvector", "dify", "CREATE TABLE embedding AS SELECT 1 AS id, ARRAY[0.5, 0.25] AS vector")
    site.mysql("CREATE TABLE dify.accounts AS SELECT 'Zoë' AS name")
    play("backup", NEW, **stores)
    backup = max((site.folder / "backups").iterdir(), key=lambda folder: folder.stat().st_mtime)
    record = json.loads((backup / "backup.json").read_text())
    assert {"db": ["dify", "dify_plugin"], "mysql": ["dify"], "pgvector": ["dify"]}.items() <= {
        folder: sorted(set(names) - {"postgres"}) for folder, names in record["databases"].items()
    }.items()
    site.sql("db_postgres", "dify_plugin", "DELETE FROM plugins")
    site.sql("pgvector", "dify", "DROP TABLE embedding")
    site.mysql("DELETE FROM dify.accounts; CREATE TABLE dify.more AS SELECT 1")
    site.ask("/console/api/notes", {"title": "written since", "text": "Lost."})
    play("rollback", NEW, deployment_restore=True, deployment_restore_name=backup.name, **stores)
    assert site.sql("db_postgres", "dify_plugin", "SELECT name FROM plugins") == "one"
    assert site.sql("pgvector", "dify", "SELECT vector FROM embedding") == "{0.5,0.25}"
    assert site.mysql("SELECT name FROM dify.accounts; SHOW TABLES FROM dify") == "Zoë\naccounts"
    assert site.notes().count("ours") == 1
    assert "written since" not in site.notes()
    play("deploy", NEW)
    assert site.state["active"] == before


def test_page_in_a_browser(play, source, run_playbook, site, tmp_path, browser):
    loaded = importlib.import_module("ansible_collections.imagefleet.dify.plugins.modules.deployment_page")
    tasks = yaml.safe_load(loaded.EXAMPLES.replace("localhost:8080", site.url[7:]))
    playbook = tmp_path / "example.yml"
    playbook.write_text(
        yaml.safe_dump([{"name": "Run it", "hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    )
    run_playbook(playbook)
    tls = {"names": ["localhost"]}
    play("deploy", NEW, deployment_tls=tls)
    play("verify", NEW, deployment_browser=browser, deployment_tls=tls)
    play("deploy", NEW)
    play("verify", NEW, deployment_browser=browser)
    checks = json.loads((source / "report/verify-localhost.json").read_text())["checks"]
    assert "its page reaches the api" in {check["name"] for check in checks}
    with pytest.raises(pytest.fail.Exception, match="asks for nothing below /other/ that is answered"):
        play("verify", NEW, deployment_browser=browser, deployment_browser_api_path="/other/")
    with pytest.raises(pytest.fail.Exception, match="The program no-such-browser is not on this host"):
        play("verify", NEW, deployment_browser="no-such-browser")


def test_a_way_back_that_fails(play, site):
    before, previous = site.state["active"], site.state["previous"]
    path = site.folder / "releases" / previous / "docker/docker-compose.imagefleet.yaml"
    whole = path.read_text()
    path.write_text(whole.replace('"api": {', '"api": {"mem_limit": "16m",', 1))
    with (
        load_on(f"{site.url}/console/api/notes") as load,
        pytest.raises(pytest.fail.Exception, match=f"{previous} did not come up: .* Release {before} runs again"),
    ):
        play("rollback", NEW, deployment_wait_timeout=60)
    path.write_text(whole)
    assert load.failures == []
    assert (site.state["active"], site.state["pending"]) == (before, None)


def test_a_release_whose_nginx_finds_nobody(play, site, source):
    before = site.state["active"]
    repository = source / "source"
    path = repository / "docker/nginx/conf.d/default.conf.template"
    git = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "checkout", "--quiet", "-b", "lost", NEW], check=True, capture_output=True)
    path.write_text(path.read_text().replace("http://api:5002", "http://api:5999"))
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "another port"], check=True, capture_output=True)
    lost = {"deployment_source": {"repo": str(repository), "ref": "lost"}}
    with pytest.raises(
        pytest.fail.Exception, match=f"did not come up: Status code was 502.* Release {before} runs again"
    ):
        play("deploy", NEW, **lost)
    assert (site.state["active"], site.state["pending"]) == (before, None)
    assert site.ask("/health")["version"] == NEW


def test_a_restore_that_was_ended(play, site):
    state = site.state
    backup = max(path.name for path in (site.folder / "backups").iterdir())
    pending = {"release": state["active"], "phase": "restoring", "migrating": "yes", "backup": backup}
    (site.folder / "state.json").write_text(json.dumps({**state, "pending": pending}))
    for playbook in ("deploy", "rollback"):
        with pytest.raises(pytest.fail.Exception, match=f"{backup} is only put back in part"):
            play(playbook, NEW)
    (site.folder / "state.json").write_text(json.dumps(state))


def test_over_tls(play, site):
    before = site.state["active"]
    tls = {"names": ["localhost"]}
    assert "tls/dify.key" not in play("deploy", NEW, "--check", "--diff", deployment_tls=tls)
    play("deploy", NEW, deployment_tls=tls)
    assert stat.S_IMODE((site.folder / "docker/nginx/ssl/dify.key").stat().st_mode) == 0o600
    assert site.certificate_names() == ["localhost"]
    assert changed_of(play("deploy", NEW, deployment_tls=tls)) == 0
    play("verify", NEW, deployment_tls=tls)
    nginx = site.container("nginx")
    tls["names"].append("dify.example.com")
    with load_on(f"{site.url}/console/api/notes", f"{site.url}/", each=2) as load:
        play("deploy", NEW, deployment_tls=tls)
    assert load.failures == []
    assert site.certificate_names() == ["dify.example.com", "localhost"]
    assert site.container("nginx") == nginx
    play("deploy", NEW)
    assert site.state["active"] == before


def test_files_for_tls(play, site, tmp_path):
    before = site.state["active"]
    for name in ("one", "other"):
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        files = ["-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.crt"]
        names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run([*command, *files, *names], check=True, capture_output=True)
    tls = {"certificate": str(tmp_path / "one.crt"), "key": str(tmp_path / "other.key")}
    with pytest.raises(pytest.fail.Exception, match="other.key is not the key of .*one.crt"):
        play("deploy", NEW, deployment_tls=tls)
    tls["key"] = str(tmp_path / "one.key")
    play("deploy", NEW, deployment_tls=tls)
    assert site.certificate_names(str(tmp_path / "one.crt"), "one") == ["one"]
    play("deploy", NEW)
    assert site.state["active"] == before
