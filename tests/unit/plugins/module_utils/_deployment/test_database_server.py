# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.database_server import (
    Database,
    dump_command,
    kind_of,
    list_command,
    load_commands,
    owner,
)

POSTGRESQL = Database("db", "c", "dify")
MYSQL = Database("mysql", "c", "root", "mysql")


@pytest.mark.parametrize(
    "target, kind",
    [
        ("/var/lib/postgresql/data", "postgresql"),
        ("/var/lib/postgresql", "postgresql"),
        ("/var/lib/mysql", "mysql"),
        ("/var/lib/mysql-files", None),
        ("/data", None),
    ],
)
def test_kind(target, kind):
    assert kind_of(target) == kind


def test_owner():
    assert owner("postgresql", {"POSTGRES_USER": "dify", "PGUSER": "x"}) == "dify"
    assert owner("postgresql", {"PGUSER": "x"}) == "x"
    assert owner("postgresql", {}) == "postgres"
    assert owner("mysql", {"MYSQL_USER": "dify"}) == "root"


def test_names_and_paths_are_arguments_of_their_own():
    name = "it's `odd` $(id)"
    for database in (POSTGRESQL, MYSQL):
        commands = [dump_command(database, name, "/to"), *load_commands(database, name, "/from")]
        for command in commands:
            assert name in command
            assert all(name not in part for part in command if part != name)


def test_no_password_is_an_argument():
    commands = [list_command(MYSQL), dump_command(MYSQL, "a", "/to"), *load_commands(MYSQL, "a", "/from")]
    assert all('MYSQL_PWD="$MYSQL_ROOT_PASSWORD"' in command[2] for command in commands)
    assert list_command(POSTGRESQL)[:3] == ("psql", "-U", "dify")
    assert load_commands(POSTGRESQL, "a", "/from")[0] == ("dropdb", "-U", "dify", "--if-exists", "--force", "a")
