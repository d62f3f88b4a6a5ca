# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.migrations import migration_command, schema_of

HEAD = '#!/bin/bash\nset -e\nif [[ "${MIGRATION_ENABLED}" == "true" ]]; then\n  echo "Running migrations"\n'


@pytest.mark.parametrize(
    "entrypoint, command",
    [
        pytest.param(f"{HEAD}  flask upgrade-db\nfi\n", ("flask", "upgrade-db"), id="one-word-0-15-3"),
        pytest.param(
            f"{HEAD}  flask upgrade-db\n  # Pure\n  exit 0\nfi\n", ("flask", "upgrade-db"), id="one-word-1-12"
        ),
        pytest.param(f"{HEAD}  flask db upgrade\nfi\n", ("flask", "db", "upgrade"), id="two-words"),
        pytest.param(f"{HEAD}  flask db upgrade", ("flask", "db", "upgrade"), id="at-the-end-of-the-file"),
        pytest.param(
            f"flask create-tenant\n{HEAD}\tflask upgrade-db  \n\nfi\n", ("flask", "upgrade-db"), id="the-one-below"
        ),
    ],
)
def test_migration_command(entrypoint, command):
    assert migration_command(entrypoint) == command


@pytest.mark.parametrize(
    "entrypoint",
    [
        pytest.param("", id="empty"),
        pytest.param("flask upgrade-db\n", id="not-asked-for"),
        pytest.param(f"{HEAD}  python migrate.py\nfi\n", id="another-program"),
        pytest.param(f"{HEAD}fi\nexec flask run --host=0.0.0.0\n", id="server"),
        pytest.param(f"{HEAD}  # flask upgrade-db\nfi\n", id="comment"),
    ],
)
def test_no_migration_command(entrypoint):
    with pytest.raises(
        CollectionError, match=r"entrypoint.sh of the source has no flask command below MIGRATION_ENABLED"
    ):
        migration_command(entrypoint)


@pytest.mark.parametrize(
    "names, same",
    [
        pytest.param(["b.py", "a.py"], True, id="order"),
        pytest.param(["a.py", "b.py", "__pycache__", "x.pyc"], True, id="what-is-no-migration"),
        pytest.param(["a.py"], False, id="one-less"),
        pytest.param(["a.py", "b.py", "c.py"], False, id="one-more"),
        pytest.param([], False, id="none"),
    ],
)
def test_schema_of(names, same):
    assert (schema_of(names) == schema_of(iter(["a.py", "b.py"]))) is same


def test_a_schema_is_a_short_name():
    assert len(schema_of(["a.py"])) == 16


def test_another_database_has_another_state():
    assert schema_of(["a.py"], "pg.example.com:5432/dify") not in (
        schema_of(["a.py"]),
        schema_of(["a.py"], "other:5432/dify"),
    )
