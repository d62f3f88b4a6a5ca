# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release's changes of the database: which there are, and how they are made. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

FOLDER = "api/migrations/versions"
ENTRYPOINT = "api/docker/entrypoint.sh"
_COMMAND = re.compile(r"^[ \t]*(?P<command>flask[ \t]+[a-z][a-z-]*(?:[ \t]+[a-z][a-z-]*)?)[ \t]*$", re.MULTILINE)


def migration_command(entrypoint: str) -> tuple[str, ...]:
    """What the api's entrypoint runs when ``MIGRATION_ENABLED`` is true.

    :raises CollectionError: it runs nothing that is known.
    """
    _before, found, after = entrypoint.partition("MIGRATION_ENABLED")
    match = _COMMAND.search(after) if found else None
    if not match:
        raise CollectionError(
            f"{ENTRYPOINT} of the source has no flask command below MIGRATION_ENABLED, so nobody knows how its database is "
            "migrated. Give the command in the deployment's migration command."
        )
    return tuple(match["command"].split())


def schema_of(names: Iterable[str], database: str = "") -> str:
    """A name for the state that the migrations lead to: releases with the same migrations have the same.

    :param names: the files of the folder of migrations.
    :param database: where a database of the user's own is: another one has another state.
    """
    listed = "\n".join([*sorted(name for name in names if name.endswith(".py")), *filter(None, [database])])
    return hashlib.sha256(listed.encode()).hexdigest()[:16]
