# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.upgrade_gate import check_upgrade


def release(version, *services, schema="s", external=()):
    images = {name: {"wanted": "a/b:1", "digest": "sha256:0"} for name in services}
    return Release(f"{version}-x", version, None, images, schema, ("flask",), {}, "f", "e", dict.fromkeys(external, ()))


@pytest.mark.parametrize(
    "before, after, hazards",
    [
        pytest.param(None, release("1.12.1"), [], id="first-release"),
        pytest.param(release("1.12.0"), release("1.12.1", schema="t"), [], id="patch"),
        pytest.param(release("1.12.1"), release("1.13.0"), [], id="next-minor"),
        pytest.param(release("1.12.1"), release("1.14.0"), ["skipped-versions"], id="two-minors"),
        pytest.param(release("0.15.3", "db"), release("1.0.0", "db"), ["plugins"], id="to-plugins"),
        pytest.param(
            release("0.15.3", "db"), release("1.12.1", "db_postgres"), ["plugins", "renamed-database"], id="both"
        ),
        pytest.param(
            release("1.17.0", "weaviate"), release("1.17.1", "weaviate"), ["weaviate"], id="weaviate-in-stages"
        ),
        pytest.param(release("1.17.0", "qdrant"), release("1.17.1", "qdrant"), [], id="another-vector-store"),
        pytest.param(release("1.12.1"), release("1.11.0"), [], id="older-with-the-same-database"),
        pytest.param(release("main"), release("1.12.1"), [], id="no-version"),
        pytest.param(
            release("1.12.0", external=["db"]),
            release("1.12.0", schema="t", external=["db"]),
            ["external-database"],
            id="a-database-of-ones-own-is-migrated",
        ),
        pytest.param(
            release("main", external=["db"]), release("main", external=["db_postgres"]), [], id="with-no-migration"
        ),
        pytest.param(
            release("1.12.0", "db", "redis"),
            release("1.12.0", schema="t", external=["db_postgres", "redis"]),
            ["external-database", "moved-data"],
            id="becomes-external",
        ),
        pytest.param(
            release("main", external=["qdrant"]), release("main", "qdrant"), ["moved-data"], id="is-bundled-again"
        ),
        pytest.param(release("main", "redis"), release("main", external=["redis"]), [], id="that-holds-no-data"),
    ],
)
def test_hazards(before, after, hazards):
    assert check_upgrade(before, after, hazards) == hazards
    for hazard in hazards:
        with pytest.raises(CollectionError, match=f"{hazard}: .*acknowledge: .{hazard}."):
            check_upgrade(before, after, [name for name in hazards if name != hazard])


def test_no_migration_leads_back():
    with pytest.raises(CollectionError, match="1.11.0 is older and knows another database"):
        check_upgrade(release("1.12.1"), release("1.11.0", schema="t"), ["skipped-versions"])


def test_what_is_no_hazard_cannot_be_acknowledged():
    with pytest.raises(CollectionError, match="acknowledge has plugin, and there are plugins, "):
        check_upgrade(None, release("1.12.1"), ["plugin"])
