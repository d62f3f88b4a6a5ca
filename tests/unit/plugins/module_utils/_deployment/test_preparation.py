# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.preparation import find_data


@pytest.mark.parametrize(
    "files, found",
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["app/storage/one"], {}, id="no-secret-of-theirs"),
        pytest.param(["db/data/pgdata/PG_VERSION"], {"SECRET_KEY": "db", "DB_PASSWORD": "db"}, id="database"),
        pytest.param(["weaviate/one"], {"SECRET_KEY": "weaviate"}, id="vectors"),
        pytest.param(
            ["mysql/one", "pgvector/data/one"],
            {"SECRET_KEY": "mysql", "DB_PASSWORD": "mysql", "PGVECTOR_PASSWORD": "pgvector"},
            id="two-servers",
        ),
    ],
)
def test_find_data(tmp_path, files, found):
    (tmp_path / "qdrant/empty").mkdir(parents=True)
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    assert find_data(str(tmp_path)) == {secret: str(tmp_path / folder) for secret, folder in found.items()}
