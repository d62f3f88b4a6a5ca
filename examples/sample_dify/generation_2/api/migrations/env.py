# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alembic's entry: runs the migrations on the application's database, one process at a time."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

import models  # noqa: F401

# Any number does, as long as nobody else takes it.
_LOCK = 150_901


def run_migrations() -> None:
    database = current_app.extensions["migrate"].db
    with database.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=database.metadata)
        with context.begin_transaction():
            # The api and the worker start together, and both migrate: the second waits, then finds nothing to do.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            context.run_migrations()


run_migrations()
