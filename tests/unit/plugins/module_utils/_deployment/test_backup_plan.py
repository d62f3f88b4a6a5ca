# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup_plan import (
    BackupPlan,
    BackupRecord,
    plan_backup,
    read_record,
    removable_backups,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.database_server import Database

DATA = "/srv/dify/volumes"
RECORD = BackupRecord("a", "1-x", "s", "2026-01-01T00:00:00Z", {"db": ["dify"]}, ["app"], {"db.dify.dump": "0"})


def container(service, *mounts, running=True, environment=()):
    return {
        "Name": f"/p-{service}-1",
        "Config": {"Labels": {"com.docker.compose.service": service}, "Env": list(environment)},
        "State": {"Running": running},
        "Mounts": [{"Type": "bind", "Source": source, "Destination": target} for source, target in mounts],
    }


MYSQL = (f"{DATA}/mysql/data", "/var/lib/mysql")
POSTGRES = (f"{DATA}/db/data", "/var/lib/postgresql/data")


@pytest.mark.parametrize(
    "containers, folders, plan",
    [
        pytest.param([], [], BackupPlan((), (), ()), id="nothing"),
        pytest.param([], ["app", ".before-1"], BackupPlan((), ("app",), ()), id="what-was-set-aside-is-none"),
        pytest.param(
            [container("db", POSTGRES), container("api", (f"{DATA}/app/storage", "/app/api/storage"))],
            ["app", "db"],
            BackupPlan((Database("db", "p-db-1", "postgres"),), ("app",), ()),
            id="a-database-is-dumped",
        ),
        pytest.param(
            [container("db", POSTGRES, environment=["POSTGRES_USER=dify", "PGUSER=other"])],
            ["db"],
            BackupPlan((Database("db", "p-db-1", "dify"),), (), ()),
            id="its-owner",
        ),
        pytest.param(
            [container("db_mysql", MYSQL, environment=["MYSQL_ROOT_PASSWORD=secret"])],
            ["mysql"],
            BackupPlan((Database("mysql", "p-db_mysql-1", "root", "mysql"),), (), ()),
            id="mysql",
        ),
        pytest.param(
            [container("redis", (f"{DATA}/redis/data", "/data"))], ["redis"], BackupPlan((), (), ()), id="no-queue"
        ),
        pytest.param(
            [container("weaviate", (f"{DATA}/weaviate", "/var/lib/weaviate"))],
            ["weaviate"],
            BackupPlan((), ("weaviate",), ("p-weaviate-1",)),
            id="a-vector-store-rests",
        ),
        pytest.param(
            [container("weaviate", (f"{DATA}/weaviate", "/var/lib/weaviate"), running=False)],
            ["weaviate"],
            BackupPlan((), ("weaviate",), ()),
            id="one-that-rests-already",
        ),
        pytest.param(
            [container("nginx", ("/srv/dify/docker/nginx", "/etc/nginx"))], ["app"], BackupPlan((), ("app",), ()),
            id="mounts-elsewhere",
        ),
    ],
)  # fmt: skip
def test_plan_backup(containers, folders, plan):
    assert plan_backup(containers, DATA, folders, ("api", "worker")) == plan


@pytest.mark.parametrize(
    "found, message",
    [
        pytest.param(container("db", POSTGRES, running=False), "database db does not run", id="database-that-rests"),
        pytest.param(
            container("db_mysql", MYSQL, running=False), "database db_mysql does not run", id="mysql-that-rests"
        ),
    ],
)
def test_what_cannot_be_backed_up(found, message):
    with pytest.raises(CollectionError, match=message):
        plan_backup([found], DATA, ["db"], ())


def test_record_comes_back():
    assert read_record(json.dumps(RECORD.as_json()), "backup.json") == RECORD


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "a"}'])
def test_damaged_record(text):
    with pytest.raises(CollectionError, match="backup.json cannot be read .*Use another one"):
        read_record(text, "backup.json")


def test_the_oldest_go():
    records = [
        BackupRecord(**{**RECORD.as_json(), "name": f"n{day}", "created": f"2026-01-0{day}"}) for day in (3, 1, 2)
    ]
    assert removable_backups(records, 1) == ["n1", "n2"]
    assert removable_backups(records, 5) == []
