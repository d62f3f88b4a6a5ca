# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import IMAGE_OPTIONS
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import image_requests

NOTHING = dict.fromkeys(IMAGE_OPTIONS)
IMAGE = {"name": "api", "repository": "localhost:5000/dify/api", "context": "/c", "platforms": ["linux/amd64"]}


def params(image, **top):
    return {**NOTHING, **top, "images": [{**NOTHING, **IMAGE, **image}]}


def request(image, **top):
    return image_requests(params(image, **top))[0]


@pytest.mark.parametrize(
    "image, message",
    [
        pytest.param({"name": "Api"}, "lower-case", id="name"),
        pytest.param({"name": "a b"}, "lower-case", id="name-with-space"),
        pytest.param({"name": "../a"}, "lower-case", id="name-that-climbs"),
        pytest.param({"repository": None}, "repository is missing", id="no-repository"),
        pytest.param({"context": None}, "context is missing", id="no-context"),
        pytest.param({"platforms": []}, "platforms is missing", id="no-platforms"),
        pytest.param({"repository": "localhost:5000/Dify"}, "not an image reference", id="upper-case-repository"),
        pytest.param({"repository": "a/b:1"}, "without tag and digest", id="repository-with-tag"),
        pytest.param({"repository": "-a"}, "not an image reference", id="leading-dash"),
        pytest.param({"repository": "a/b\n"}, "not an image reference", id="line-break"),
        pytest.param({"platforms": ["linux/amd65"]}, "not a platform", id="platform"),
        pytest.param({"commit": "main"}, "not 40 hexadecimal", id="commit"),
        pytest.param({"output": "oci_layout"}, "needs output_path", id="layout-without-path"),
        pytest.param({"output_path": "/x"}, "only for output oci_layout", id="path-without-layout"),
        pytest.param({"max_age": "a week"}, "such as 7d", id="age"),
        pytest.param({"exact_revision": True}, "revision is not set", id="exact-without-revision"),
        pytest.param({"reproducible": True}, "needs source_date_epoch", id="reproducible-without-time"),
        pytest.param({"source_date_epoch": -1}, "not negative", id="time-before-1970"),
        pytest.param({"sbom": "default", "output": "engine"}, "sbom needs", id="sbom-in-engine"),
        pytest.param({"annotations": {"a": "b"}, "output": "engine"}, "annotations needs", id="annotations-in-engine"),
        pytest.param({"cache_to": ["-x"]}, "cache_to has the value", id="cache-that-is-an-option"),
        pytest.param({"ssh": [""]}, "ssh has the value", id="empty-ssh"),
        pytest.param({"args": {"A": {"b": 1}}}, "args.A must be a text", id="nested-arg"),
        pytest.param({"labels": {"a=b": "c"}}, "has the key", id="key-with-equals"),
        pytest.param({"compare_to": "a b"}, "not an image reference", id="compare-to"),
        pytest.param({"secrets": [{"id": "a,src=/etc/shadow", "env": "A"}]}, "secret id", id="secret-id-with-comma"),
        pytest.param({"secrets": [{"id": "a", "env": "A"}, {"id": "a", "env": "B"}]}, "same id", id="two-secrets"),
        pytest.param({"dockerfile": "a", "dockerfile_inline": "FROM a"}, "are both set", id="two-dockerfiles"),
    ],
)
def test_bad_options_name_the_image(image, message):
    with pytest.raises(CollectionError, match=message) as error:
        request(image)
    assert "Image " in error.value.msg


@pytest.mark.parametrize(
    "image, top, expected",
    [
        pytest.param({}, {}, ("Dockerfile", None), id="neither"),
        pytest.param({}, {"dockerfile_inline": "FROM a"}, ("Dockerfile", "FROM a"), id="one-for-all"),
        pytest.param({"dockerfile": "b"}, {"dockerfile_inline": "FROM a"}, ("b", None), id="a-path-of-its-own"),
        pytest.param(
            {"dockerfile_inline": "FROM b"}, {"dockerfile": "a"}, ("Dockerfile", "FROM b"), id="a-text-of-its-own"
        ),
    ],
)
def test_an_image_takes_no_second_dockerfile_from_the_top(image, top, expected):
    found = request(image, **top)
    assert (found.dockerfile, found.dockerfile_inline) == expected


def test_two_dockerfiles_for_all_are_refused():
    with pytest.raises(CollectionError, match="are both set"):
        request({}, dockerfile="a", dockerfile_inline="FROM a")


@pytest.mark.parametrize(
    "name, value, refused",
    [
        ("DB_PASSWORD", "x", True),
        ("api_token", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("APIKEY", "x", True),
        ("TOKEN", "x", True),
        ("PIP_INDEX_URL", "https://me:secret@mirror.example.com/simple", True),
        ("PIP_INDEX_URL", "https://mirror.example.com/simple", False),
        ("NODESOURCE_KEY_FPR", "6F71F525282841EEDAF851B42F59B5F99B1BE0B4", False),
        ("TOKENIZERS_PARALLELISM", "false", False),
        ("COMMIT_SHA", "abc", False),
    ],
)
def test_build_args_that_look_like_secrets(name, value, refused):
    if refused:
        with pytest.raises(CollectionError, match=f"build arg {name} looks like a secret.*Use secrets"):
            request({"args": {name: value}})
    else:
        assert request({"args": {name: value}}).args == {name: value}


def test_secret_values_are_in_no_message():
    with pytest.raises(CollectionError) as error:
        request({"args": {"PASSWORD": "hunter2"}})
    assert "hunter2" not in str(error.value.result())


@pytest.mark.parametrize(
    "option, top, own, result",
    [
        pytest.param("target", "a", None, "a", id="top-level"),
        pytest.param("target", "a", "b", "b", id="the-image-wins"),
        pytest.param("rebuild", None, None, "changed", id="default"),
        pytest.param("exact_revision", True, False, False, id="false-is-a-value"),
    ],
)
def test_options_come_from_image_then_top_level_then_default(option, top, own, result):
    assert getattr(request({option: own, "revision": "r"}, **{option: top}), option) == result


def test_values_become_texts():
    assert request({"args": {"A": 1, "B": True, "C": "x"}}).args == {"A": "1", "B": "true", "C": "x"}


def test_labels_of_version_revision_and_time():
    labels = request({"version": "1", "revision": "abc", "created": "2026", "labels": {"a": "b"}}).labels
    assert labels == {
        "a": "b",
        "org.opencontainers.image.version": "1",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.created": "2026",
    }


def test_two_images_of_one_name():
    with pytest.raises(CollectionError, match="same name: api"):
        image_requests({**NOTHING, "images": [{**NOTHING, **IMAGE}] * 2})
