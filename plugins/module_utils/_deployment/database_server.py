# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers of databases, and the commands in their containers that list, dump and load what they have. Pure.

Passwords are in the containers' environment and go to the programs from there, never by an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Tuple

Command = Tuple[str, ...]
_MYSQL_LOGIN = 'export MYSQL_PWD="$MYSQL_ROOT_PASSWORD"; '
_MYSQL_LIST = (
    "SELECT schema_name FROM information_schema.schemata "
    "WHERE schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') ORDER BY 1"
)
_MYSQL_DROP = 'mysql --user=root --execute="DROP DATABASE IF EXISTS \\`$1\\`"'
_MYSQL_LOAD = f'set -e; {_MYSQL_LOGIN}{_MYSQL_DROP}; exec mysql --user=root < "$2"'


@dataclass(frozen=True)
class Database:
    """A server that runs.

    :param folder: below the data folder, where its data are. It is the same in releases that call the service otherwise.
    :param user: who owns the databases.
    :param kind: ``postgresql`` or ``mysql``.
    """

    folder: str
    container: str
    user: str
    kind: str = "postgresql"


#: Where the official images, and those for pgvector, have their data.
DATA = {"postgresql": "/var/lib/postgresql", "mysql": "/var/lib/mysql"}


def kind_of(target: str) -> str | None:
    """Which kind of server has its data at a path in its container."""
    return next((kind for kind, folder in DATA.items() if target == folder or target.startswith(f"{folder}/")), None)


def owner(kind: str, environment: Mapping[str, Any]) -> str:
    """Who owns the databases, from a container's environment."""
    if kind == "mysql":
        return "root"
    return environment.get("POSTGRES_USER") or environment.get("PGUSER") or "postgres"


def list_command(database: Database) -> Command:
    """Prints the databases' names, one in a line, without those of the server's own."""
    if database.kind == "mysql":
        query = _MYSQL_LIST
        return (
            "sh",
            "-c",
            f'{_MYSQL_LOGIN}exec mysql --user=root --batch --skip-column-names --execute="$1"',
            "sh",
            query,
        )
    query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"
    return ("psql", "-U", database.user, "-d", "postgres", "-Atc", query)


def dump_command(database: Database, name: str, path: str) -> Command:
    """Writes a database into a file in the container, as it is at one moment."""
    if database.kind == "mysql":
        options = "--single-transaction --routines --events --triggers --hex-blob --databases"
        return ("sh", "-c", f'{_MYSQL_LOGIN}exec mysqldump --user=root {options} "$1" > "$2"', "sh", name, path)
    return ("pg_dump", "-U", database.user, "-Fc", "-f", path, name)


def load_commands(database: Database, name: str, path: str) -> list[Command]:
    """Put such a file in the place of the database."""
    if database.kind == "mysql":
        return [("sh", "-c", _MYSQL_LOAD, "sh", name, path)]
    login = ("-U", database.user)
    return [
        ("dropdb", *login, "--if-exists", "--force", name),
        ("createdb", *login, name),
        ("pg_restore", *login, "--exit-on-error", "-d", name, path),
    ]
