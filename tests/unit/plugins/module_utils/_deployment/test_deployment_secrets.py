# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import (
    is_secret,
    plan_secrets,
    without_published,
)

PUBLISHED = "difyai123456"
LONG = "sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U"
DATA = {"SECRET_KEY": "/data/db", "DB_PASSWORD": "/data/db"}
BROKER = f"redis://:{PUBLISHED}@redis:6379/1"
DEFAULTS = {
    "SECRET_KEY": LONG,
    "DB_PASSWORD": PUBLISHED,
    "POSTGRES_PASSWORD": "${DB_PASSWORD}",
    "REDIS_PASSWORD": PUBLISHED,
    "CELERY_BROKER_URL": BROKER,
    "LOG_LEVEL": "INFO",
}


def plan(defaults=DEFAULTS, given=(), kept=(), allowed=(), data=(), external=()):
    numbers = itertools.count(1)
    return plan_secrets(
        defaults, dict(given), dict(kept), allowed,
        data=dict(data), make=lambda: f"made-{next(numbers)}", external=external,
    )  # fmt: skip


@pytest.mark.parametrize(
    "key, secret",
    [
        ("SECRET_KEY", True),
        ("DB_PASSWORD", True),
        ("PASSWORD", True),
        ("SMTP_PASSWORD", True),
        ("MILVUS_TOKEN", True),
        ("NOTION_CLIENT_SECRET", True),
        ("ANALYTICDB_KEY_SECRET", True),
        ("S3_ACCESS_KEY", True),
        ("S3_SECRET_KEY", True),
        ("SANDBOX_API_KEY", True),
        ("PLUGIN_DAEMON_KEY", True),
        ("PLUGIN_DIFY_INNER_API_KEY", True),
        ("CHROMA_AUTH_CREDENTIALS", True),
        ("WEAVIATE_AUTHENTICATION_APIKEY_ALLOWED_KEYS", True),
        ("AZURE_BLOB_ACCOUNT_KEY", True),
        ("TIDB_PRIVATE_KEY", True),
        ("PLUGIN_AZURE_BLOB_STORAGE_CONNECTION_STRING", True),
        ("GOOGLE_STORAGE_SERVICE_ACCOUNT_JSON_BASE64", True),
        ("LOG_LEVEL", False),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", False),
        ("RESET_PASSWORD_TOKEN_EXPIRY_MINUTES", False),
        ("CODE_GENERATION_MAX_TOKENS", False),
        ("TABLESTORE_ACCESS_KEY_ID", False),
        ("TIDB_PUBLIC_KEY", False),
        ("WEAVIATE_AUTHENTICATION_APIKEY_USERS", False),
        ("BYPASS", False),
        ("MONKEY", False),
    ],
)
def test_is_secret(key, secret):
    assert is_secret(key) is secret


def test_what_is_missing_is_made():
    found = plan()
    assert found.made == ("SECRET_KEY", "DB_PASSWORD", "REDIS_PASSWORD")
    assert found.kept == {"SECRET_KEY": "made-1", "DB_PASSWORD": "made-2", "REDIS_PASSWORD": "made-3"}
    assert "LOG_LEVEL" not in found.values


@pytest.mark.parametrize(
    "key, value",
    [
        pytest.param("SECRET_KEY", "made-1", id="alone"),
        pytest.param("DB_PASSWORD", "made-2", id="of-the-program"),
        pytest.param("POSTGRES_PASSWORD", "made-2", id="the-same-of-the-service"),
        pytest.param("CELERY_BROKER_URL", "redis://:made-3@redis:6379/1", id="in-an-address"),
        pytest.param("MYSQL_PASSWORD", None, id="none-that-the-release-does-not-know"),
    ],
)
def test_values_that_are_made(key, value):
    assert plan().values.get(key) == value


def test_what_is_kept_is_used_again():
    first = plan()
    again = plan(kept=first.kept)
    assert (again.values, again.kept, again.made) == (first.values, first.kept, ())


def test_what_other_releases_had_is_kept():
    assert plan({}, kept={"QDRANT_API_KEY": "q"}).kept == {"QDRANT_API_KEY": "q"}


def test_a_kept_secret_is_used_where_the_release_publishes_none():
    assert plan({"SECRET_KEY": ""}, kept={"SECRET_KEY": "k"}).values == {"SECRET_KEY": "k"}


@pytest.mark.parametrize(
    "given, kept, values",
    [
        pytest.param({"DB_PASSWORD": "g"}, {}, {"DB_PASSWORD": "g", "POSTGRES_PASSWORD": "g"}, id="by-its-first-name"),
        pytest.param({"POSTGRES_PASSWORD": "g"}, {}, {"DB_PASSWORD": "g", "POSTGRES_PASSWORD": "g"}, id="by-another"),
        pytest.param({"DB_PASSWORD": "g"}, {"DB_PASSWORD": "k"}, {"DB_PASSWORD": "g"}, id="before-what-is-kept"),
        pytest.param(
            {"DB_PASSWORD": "g", "POSTGRES_PASSWORD": "g"},
            {},
            {"DB_PASSWORD": "g", "POSTGRES_PASSWORD": "g"},
            id="twice",
        ),
        pytest.param(
            {"CELERY_BROKER_URL": "redis://other"}, {}, {"CELERY_BROKER_URL": None}, id="a-given-address-is-left-alone"
        ),
        pytest.param(
            {"REDIS_PASSWORD": "a/b@c"},
            {},
            {"REDIS_PASSWORD": "a/b@c", "CELERY_BROKER_URL": "redis://:a%2Fb%40c@redis:6379/1"},
            id="quoted-in-an-address",
        ),
    ],
)
def test_what_is_given_is_used(given, kept, values):
    found = plan(given=given, kept=kept)
    assert {key: found.values.get(key) for key in values} == values


def test_what_is_given_is_not_kept():
    found = plan({"DB_PASSWORD": PUBLISHED}, given={"DB_PASSWORD": "vault"})
    assert (found.kept, found.made) == ({}, ())


def test_names_of_one_secret_with_other_values():
    with pytest.raises(CollectionError, match="DB_PASSWORD and POSTGRES_PASSWORD must be the same") as raised:
        plan(given={"POSTGRES_PASSWORD": "aaa", "DB_PASSWORD": "bbb"})
    assert "aaa" not in raised.value.msg


@pytest.mark.parametrize(
    "given, message",
    [
        pytest.param({"REDIS_PASSWORD": PUBLISHED}, "REDIS_PASSWORD is what upstream publishes", id="one"),
        pytest.param(
            {"SECRET_KEY": LONG, "DB_PASSWORD": PUBLISHED},
            "DB_PASSWORD, SECRET_KEY are what upstream publishes",
            id="several",
        ),
        pytest.param({"POSTGRES_PASSWORD": PUBLISHED}, "POSTGRES_PASSWORD is what upstream", id="by-another-name"),
    ],
)
def test_published_is_refused(given, message):
    with pytest.raises(CollectionError, match=message):
        plan(given=given)


@pytest.mark.parametrize(
    "given, allowed",
    [
        pytest.param({"REDIS_PASSWORD": PUBLISHED}, ["REDIS_PASSWORD"], id="by-its-name"),
        pytest.param({"LOG_LEVEL": "INFO"}, [], id="what-is-no-secret"),
        pytest.param({"REDIS_PASSWORD": "other"}, [], id="another-value"),
    ],
)
def test_published_is_allowed(given, allowed):
    found = plan(given=given, allowed=allowed)
    assert all(found.values.get(key, value) == value for key, value in given.items())


def test_allowed_and_not_given_is_left_to_upstream():
    found = plan({"REDIS_PASSWORD": PUBLISHED, "CELERY_BROKER_URL": BROKER}, allowed=["REDIS_PASSWORD"])
    assert (found.values, found.kept, found.made) == ({}, {}, ())


def test_allowed_does_not_give_up_what_is_kept():
    found = plan({"DB_PASSWORD": PUBLISHED}, kept={"DB_PASSWORD": "k"}, allowed=["DB_PASSWORD"], data=DATA)
    assert found.values == {"DB_PASSWORD": "k"}


def test_nothing_is_made_anew_over_data():
    with pytest.raises(
        CollectionError, match="There are data in /data/db, and nobody knows SECRET_KEY, DB_PASSWORD that"
    ):
        plan(data=DATA)


def test_a_store_without_data_gets_a_password_beside_others_data():
    defaults = {"DB_PASSWORD": PUBLISHED, "PGVECTOR_PASSWORD": PUBLISHED}
    kept = {"DB_PASSWORD": "d"}
    assert plan(defaults, kept=kept, data=DATA).made == ("PGVECTOR_PASSWORD",)
    with pytest.raises(CollectionError, match="There are data in /data/pgvector, and nobody knows PGVECTOR_PASSWORD"):
        plan(defaults, kept=kept, data={**DATA, "PGVECTOR_PASSWORD": "/data/pgvector"})


@pytest.mark.parametrize(
    "given, kept, allowed",
    [
        pytest.param({"SECRET_KEY": "s", "DB_PASSWORD": "d"}, {}, [], id="given"),
        pytest.param({}, {"SECRET_KEY": "s", "DB_PASSWORD": "d"}, [], id="kept"),
        pytest.param({}, {}, ["SECRET_KEY", "DB_PASSWORD"], id="published-and-allowed"),
    ],
)
def test_over_data_the_rest_is_made(given, kept, allowed):
    assert plan(given=given, kept=kept, allowed=allowed, data=DATA).made == ("REDIS_PASSWORD",)


@pytest.mark.parametrize(
    "defaults, made",
    [
        pytest.param({"OTHER_API_KEY": "x" * 32}, ("OTHER_API_KEY",), id="long"),
        pytest.param({"OTHER_API_KEY": "your-secret-key"}, (), id="placeholder"),
        pytest.param({"OTHER_API_KEY": "${" + "X" * 40 + "}"}, (), id="reference"),
        pytest.param({"OTHER_NAME": "x" * 32}, (), id="no-secret"),
        pytest.param({"QDRANT_API_KEY": ""}, (), id="known-and-empty"),
        pytest.param({"CHROMA_AUTH_CREDENTIALS": "", "CHROMA_SERVER_AUTHN_CREDENTIALS": "x"},
                     ("CHROMA_AUTH_CREDENTIALS",), id="known-and-empty-on-one-side"),
    ],
)  # fmt: skip
def test_which_are_secrets_of_a_release(defaults, made):
    found = plan(defaults)
    assert found.made == made
    assert found.values == (dict.fromkeys(defaults, "made-1") if made else {})


def test_the_address_of_the_database_has_its_own_password():
    defaults = {"DB_PASSWORD": "d-old", "REDIS_PASSWORD": "r-old", "DB_URL": "postgresql://postgres:d-old@db:5432/dify"}
    given = {"DB_PASSWORD": "d new", "REDIS_PASSWORD": "r"}
    assert plan(defaults, given).values["DB_URL"] == "postgresql://postgres:d%20new@db:5432/dify"


@pytest.mark.parametrize(
    "given, kept, external, message",
    [
        pytest.param({}, {}, ["redis"], "redis is external.*lack REDIS_PASSWORD", id="one"),
        pytest.param({}, {"REDIS_PASSWORD": "k"}, ["redis"], "lack REDIS_PASSWORD", id="that-of-the-bundled-one-does-not-count"),
        pytest.param({"DB_PASSWORD": "d"}, {}, ["db"], "lack SECRET_KEY.*SECRET_KEY is the one that", id="a-key-of-the-data"),
        pytest.param({}, {"SECRET_KEY": "s"}, ["db", "redis"], "are external.*lack DB_PASSWORD, REDIS_PASSWORD", id="two"),
    ],
)  # fmt: skip
def test_nothing_is_made_for_a_service_of_the_users_own(given, kept, external, message):
    with pytest.raises(CollectionError, match=message):
        plan(given=given, kept=kept, external=external)


@pytest.mark.parametrize(
    "given, kept, allowed, external, value",
    [
        pytest.param({"REDIS_PASSWORD": "mine"}, {"REDIS_PASSWORD": "k"}, [], ["redis"], "mine", id="given"),
        pytest.param({"REDIS_PASSWORD": ""}, {}, [], ["redis"], "", id="none"),
        pytest.param({}, {"REDIS_PASSWORD": "k"}, ["REDIS_PASSWORD"], ["redis"], None, id="published-and-allowed"),
        pytest.param({"DB_PASSWORD": "d"}, {"SECRET_KEY": "s"}, [], ["db_postgres"], "made-1", id="of-the-bundled-one"),
    ],
)
def test_a_secret_of_redis(given, kept, allowed, external, value):
    assert plan(given=given, kept=kept, allowed=allowed, external=external).values.get("REDIS_PASSWORD") == value


@pytest.mark.parametrize(
    "key, value, allowed, stays",
    [
        pytest.param("REDIS_PASSWORD", PUBLISHED, [], False, id="published"),
        pytest.param("REDIS_PASSWORD", "mine", [], True, id="the-owners"),
        pytest.param("REDIS_PASSWORD", PUBLISHED, ["REDIS_PASSWORD"], True, id="published-and-allowed"),
        pytest.param("DB_PASSWORD", PUBLISHED, [], True, id="the-database-was-made-with-it"),
        pytest.param("POSTGRES_PASSWORD", "${DB_PASSWORD}", [], True, id="the-same-by-another-name"),
        pytest.param("SECRET_KEY", LONG, [], True, id="the-data-are-encrypted-with-it"),
        pytest.param("LOG_LEVEL", "INFO", [], True, id="no-secret"),
        pytest.param("QDRANT_API_KEY", PUBLISHED, [], True, id="not-of-this-release"),
    ],
)
def test_without_published(key, value, allowed, stays):
    values = {"MORE": "1", key: value}
    assert without_published(values, DEFAULTS, allowed) == (values if stays else {"MORE": "1"})
