# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.external import (
    check_external,
    find_addresses,
    follow,
    is_database,
)

SERVICES = {
    name: Service(name, "x", component, None, True, {}, {})
    for name, component in (("api", "api"), ("worker", "api"), ("web", "web"), ("nginx", None), ("db", None), ("redis", None))
}  # fmt: skip
DEFAULTS = {
    "DB_HOST": "db_postgres",
    "DB_PORT": "5432",
    "RELYT_HOST": "db",
    "REDIS_HOST": "redis",
    "REDIS_PORT": "6379",
    "REDIS_USERNAME": "",
    "REDIS_PASSWORD": "published",
    "REDIS_USE_SSL": "false",
    "REDIS_SENTINELS": "",
    "CELERY_BACKEND": "redis",
    "CELERY_BROKER_URL": "redis://:published@redis:6379/1",
    "WEAVIATE_ENDPOINT": "http://weaviate:8080",
    "WEAVIATE_GRPC_ENDPOINT": "grpc://weaviate:50051",
    "QDRANT_URL": "http://qdrant:6333",
    "CHROMA_HOST": "127.0.0.1",
    "CHROMA_PORT": "8000",
    "SSRF_SANDBOX_HOST": "sandbox",
    "ENDPOINT_URL_TEMPLATE": "http://localhost/e/{hook_id}",
    "BROKEN": "http://[x",
}


def addresses(external, **given):
    found = find_addresses(external, DEFAULTS, {**DEFAULTS, **given}, given)
    return {name: [str(address) for address in places] for name, places in found.items()}


def test_what_can_be_external():
    check_external(SERVICES, ["db", "redis"])


@pytest.mark.parametrize(
    "external, message",
    [
        pytest.param(["postgres"], "starts no postgres with its profiles.*There are db, redis. Correct", id="unknown"),
        pytest.param(["db", "api"], "api cannot be external", id="the-api"),
        pytest.param(["worker", "web", "nginx"], "nginx, web, worker cannot be external", id="the-program"),
    ],
)
def test_what_cannot_be_external(external, message):
    with pytest.raises(CollectionError, match=message):
        check_external(SERVICES, external)


@pytest.mark.parametrize(
    "external, given, found",
    [
        pytest.param([], {}, {}, id="none"),
        pytest.param(["db_postgres"], {"DB_HOST": "pg.example.com"}, {"db_postgres": ["pg.example.com:5432"]}, id="by-host"),
        pytest.param(
            ["db_postgres"], {"DB_HOST": "10.0.0.5", "DB_PORT": "6432"}, {"db_postgres": ["10.0.0.5:6432"]}, id="and-port"
        ),
        pytest.param(["db_mysql"], {"DB_HOST": "my", "DB_PORT": "3306"}, {"db_mysql": ["my:3306"]}, id="of-another-kind"),
        pytest.param(
            ["redis"],
            {"REDIS_HOST": "cache", "CELERY_BROKER_URL": "redis://:x@cache:6379/1"},
            {"redis": ["cache:6379"]},
            id="twice",
        ),
        pytest.param(
            ["redis"],
            {"REDIS_HOST": "cache", "CELERY_BROKER_URL": "rediss://:x@queue/1"},
            {"redis": ["cache:6379", "queue:6379"]},
            id="two-places",
        ),
        pytest.param(
            ["redis"],
            {"REDIS_USE_SENTINEL": "true", "REDIS_SENTINELS": "s1:26379,s2:26380", "CELERY_BROKER_URL": "sentinel://:x@s1/1"},
            {"redis": ["s1:26379", "s2:26380"]},
            id="sentinels",
        ),
        pytest.param(
            ["weaviate"],
            {"WEAVIATE_ENDPOINT": "https://v.example.com", "WEAVIATE_GRPC_ENDPOINT": "grpc://v.example.com:50051"},
            {"weaviate": ["v.example.com:443", "v.example.com:50051"]},
            id="by-address",
        ),
        pytest.param(["chroma"], {"CHROMA_HOST": "c.internal"}, {"chroma": ["c.internal:8000"]}, id="that-has-no-name"),
        pytest.param(["sandbox"], {"SSRF_SANDBOX_HOST": "run.internal"}, {"sandbox": ["run.internal"]}, id="without-a-port"),
        pytest.param(["certbot"], {}, {"certbot": []}, id="that-nobody-asks"),
    ],
)  # fmt: skip
def test_find_addresses(external, given, found):
    assert addresses(external, **given) == found


@pytest.mark.parametrize(
    "external, given, message",
    [
        pytest.param(["db_postgres"], {}, "DB_HOST is db_postgres, the bundled db_postgres", id="left"),
        pytest.param(["db_postgres"], {"DB_HOST": "db"}, "DB_HOST is db, the bundled", id="the-bundled-of-before"),
        pytest.param(["db_postgres"], {"DB_HOST": ""}, "DB_HOST is empty", id="empty"),
        pytest.param(["db_postgres"], {"DB_HOST": "localhost"}, "DB_HOST is localhost, which in a container", id="loopback"),
        pytest.param(["redis"], {"REDIS_HOST": "cache"}, "CELERY_BROKER_URL is redis, the bundled redis", id="in-an-address"),
        pytest.param(["chroma"], {}, "CHROMA_HOST is 127.0.0.1, the bundled chroma", id="that-has-no-name"),
        pytest.param(
            ["qdrant", "weaviate"], {}, "QDRANT_URL is qdrant.*WEAVIATE_ENDPOINT is weav.*WEAVIATE_GRPC_END", id="all-are-told"
        ),
    ],
)  # fmt: skip
def test_nobody_said_where_it_is(external, given, message):
    with pytest.raises(CollectionError, match=message) as raised:
        addresses(external, **given)
    assert "published" not in raised.value.msg


@pytest.mark.parametrize(
    "given, broker",
    [
        pytest.param({"REDIS_HOST": "cache"}, "redis://:own@cache:6379/1", id="host"),
        pytest.param({"REDIS_HOST": "cache", "REDIS_PORT": "6380"}, "redis://:own@cache:6380/1", id="port"),
        pytest.param({"REDIS_HOST": "c", "REDIS_USERNAME": "dify"}, "redis://dify:own@c:6379/1", id="user"),
        pytest.param({"REDIS_HOST": "c", "REDIS_PASSWORD": "a/b@c"}, "redis://:a%2Fb%40c@c:6379/1", id="quoted"),
        pytest.param({"REDIS_HOST": "c", "REDIS_PASSWORD": ""}, "redis://:@c:6379/1", id="no-password"),
        pytest.param({"REDIS_HOST": "c", "REDIS_USE_SSL": "true"}, "rediss://:own@c:6379/1", id="encrypted"),
        pytest.param({"REDIS_HOST": "c", "CELERY_BROKER_URL": "redis://q"}, None, id="given"),
        pytest.param({}, None, id="nobody-said-where"),
        pytest.param({"REDIS_HOST": "c", "REDIS_USE_CLUSTERS": "true"}, None, id="many-servers"),
    ],
)
def test_follow(given, broker):
    found = follow(["redis"], DEFAULTS, {"REDIS_PASSWORD": "own", **given}, given)
    assert found == ({"CELERY_BROKER_URL": broker} if broker else {})


def test_the_bundled_ones_are_left_alone():
    assert follow(["db_postgres"], DEFAULTS, {"REDIS_HOST": "cache"}, {"REDIS_HOST": "cache"}) == {}


@pytest.mark.parametrize(
    "external, database", [(["db"], True), (["db_mysql", "redis"], True), (["redis"], False), ([], False)]
)
def test_is_database(external, database):
    assert is_database(external) is database
