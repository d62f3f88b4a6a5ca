# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import named, read_release, reasons

REDIS = {"wanted": "redis:6", "digest": "sha256:" + "a" * 64}
CONTENT = {
    "commit": "c0ffee",
    "images": {"redis": REDIS},
    "schema": "s",
    "migration": ("flask", "upgrade-db"),
    "owners": {"app/storage": 1001},
    "files": "f",
    "environment": "e",
}
RELEASE = named("1.12.1", **CONTENT)
RECORD = json.dumps(RELEASE.as_json())


def other(version="1.12.1", **content):
    return named(version, **{**CONTENT, **content})


def test_the_name_has_the_version_and_a_hash():
    version, hash_ = RELEASE.id.split("-")
    assert version == "1.12.1"
    assert len(hash_) == 12


@pytest.mark.parametrize(
    "change, same",
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"commit": None}, True, id="commit"),
        pytest.param({"images": {"redis": dict(reversed(REDIS.items()))}}, True, id="order"),
        pytest.param({"migration": ["flask", "upgrade-db"]}, True, id="list-of-the-same"),
        pytest.param({"version": "1.12.2"}, False, id="version"),
        pytest.param({"images": {}}, False, id="images"),
        pytest.param({"schema": "t"}, False, id="schema"),
        pytest.param({"migration": ("flask", "db", "upgrade")}, False, id="migration"),
        pytest.param({"files": "g"}, False, id="files"),
        pytest.param({"environment": "f"}, False, id="environment"),
        pytest.param({"external": {}}, True, id="nothing-external"),
        pytest.param({"external": {"redis": ["cache:6379"]}}, False, id="external"),
    ],
)
def test_the_same_content_has_the_same_name(change, same):
    assert (other(**change).id == RELEASE.id) is same


def test_what_is_recorded_is_read():
    assert read_release(RECORD, "release.json") == RELEASE
    assert isinstance(RELEASE.as_json()["migration"], list)


def test_a_record_from_before_services_could_be_external():
    document = RELEASE.as_json()
    del document["external"]
    assert read_release(json.dumps(document), "release.json") == RELEASE


def test_external_is_a_reason():
    after = other(external={"redis": ["cache:6379"]})
    assert reasons(RELEASE, after) == ["external services: none -> redis (cache:6379)"]


def test_a_record_of_a_later_version_of_ours():
    assert read_release(json.dumps({**RELEASE.as_json(), "more": 1}), "release.json") == RELEASE


@pytest.mark.parametrize(
    "text, kind",
    [
        pytest.param("", "JSONDecodeError", id="empty"),
        pytest.param(RECORD[:-5], "JSONDecodeError", id="cut-off"),
        pytest.param("{}", "KeyError", id="nothing-in-it"),
        pytest.param("[]", "TypeError", id="list"),
        pytest.param("null", "TypeError", id="null"),
        pytest.param(json.dumps({**RELEASE.as_json(), "migration": None}), "TypeError", id="no-command"),
    ],
)
def test_a_damaged_record(text, kind):
    with pytest.raises(CollectionError, match=rf"The record /r/release.json of a release cannot be read \({kind}: "):
        read_release(text, "/r/release.json")


@pytest.mark.parametrize(
    "after, expected",
    [
        pytest.param(RELEASE, [], id="none"),
        pytest.param(other(version="1.13"), ["version: 1.12.1 -> 1.13"], id="version"),
        pytest.param(
            other(images={"redis": {"wanted": "redis:7", "digest": "sha256:" + "b" * 64}}),
            [f"image of redis: redis:6@sha256:{'a' * 12} -> redis:7@sha256:{'b' * 12}"],
            id="image",
        ),
        pytest.param(other(images={"redis": REDIS, "db": REDIS}), ["service db: new"], id="new-service"),
        pytest.param(other(images={}), ["service redis: gone"], id="service-that-is-gone"),
        pytest.param(other(schema="t"), ["migrations of the database"], id="migrations"),
        pytest.param(other(files="g"), ["files of the deployment"], id="files"),
        pytest.param(other(environment="f"), ["environment"], id="environment"),
        pytest.param(
            other(version="2", images={"db": REDIS}, schema="t", files="g", environment="f"),
            [
                "version: 1.12.1 -> 2",
                "service db: new",
                "service redis: gone",
                "migrations of the database",
                "files of the deployment",
                "environment",
            ],
            id="all",
        ),
    ],
)
def test_reasons(after, expected):
    assert reasons(RELEASE, after) == expected


def test_the_first_release():
    assert reasons(None, RELEASE) == ["first release"]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(other(migration=("flask", "db", "upgrade")), id="command-of-the-migration"),
        pytest.param(other(images={"redis": {**REDIS, "wanted": "redis:6.2"}}), id="other-tag-of-the-same-image"),
    ],
)
def test_another_release_has_a_reason(after):
    assert after.id != RELEASE.id
    assert reasons(RELEASE, after)


def test_a_release_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RELEASE.version = "2"
