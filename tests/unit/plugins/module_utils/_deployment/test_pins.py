# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service, component_of
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.pins import (
    Found,
    Pin,
    pin_images,
    wanted_images,
)

PLATFORM = "linux/arm64"
BOTH = ("linux/amd64", "linux/arm64")


def digest(letter):
    return f"sha256:{letter * 64}"


def services(**images):
    return {name: Service(name, image, component_of(image), None, False, {}, {}) for name, image in images.items()}


class Registry:
    """Answers by reference, and remembers what it was asked."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", ":"): answer for name, answer in answers.items()}
        self.asked = []

    def __call__(self, reference):
        self.asked.append(reference)
        return self.answers.get(reference)


SERVICES = services(api="langgenius/dify-api:1", worker="langgenius/dify-api:1", redis="redis:6-alpine")


@pytest.mark.parametrize(
    "images, image_map, redis, api",
    [
        pytest.param({}, {}, "redis:6-alpine", "langgenius/dify-api:1", id="upstream"),
        pytest.param({"api": "r.example/api:2"}, {}, "redis:6-alpine", "r.example/api:2", id="ours"),
        pytest.param({}, {"redis": "m/redis:7"}, "m/redis:7", "langgenius/dify-api:1", id="mapped-by-name"),
        pytest.param({}, {"redis:6-alpine": "m/redis:7"}, "m/redis:7", "langgenius/dify-api:1", id="mapped-by-tag"),
        pytest.param(
            {}, {"docker.io/library/redis": "m/redis:7"}, "m/redis:7", "langgenius/dify-api:1", id="mapped-by-full-name"
        ),
        pytest.param({}, {"langgenius/dify-api": "m/api:1"}, "redis:6-alpine", "m/api:1", id="mapped-component"),
    ],
)
def test_wanted_images(images, image_map, redis, api):
    assert wanted_images(SERVICES, images, image_map) == {"api": api, "worker": api, "redis": redis}


def test_the_tag_comes_before_the_name():
    found = services(a="redis:6", b="redis:7", c="redis")
    image_map = {"redis": "m/any", "redis:6": "m/six", "redis:latest": "m/latest"}
    assert wanted_images(found, {}, image_map) == {"a": "m/six", "b": "m/any", "c": "m/latest"}


@pytest.mark.parametrize(
    "images, image_map, message",
    [
        pytest.param({"web": "x"}, {}, r"runs no web with its profiles \(it runs api, redis, worker\)", id="component"),
        pytest.param({}, {"qdrant": "x"}, "runs no qdrant with", id="name"),
        pytest.param({}, {"redis:7": "x"}, "runs no redis:7 with", id="other-tag"),
        pytest.param({"web": "x", "sandbox": "y"}, {"qdrant": "z"}, "runs no sandbox, web, qdrant with", id="several"),
    ],
)
def test_entries_for_nothing(images, image_map, message):
    with pytest.raises(CollectionError, match=message):
        wanted_images(SERVICES, images, image_map)


def test_a_service_that_is_only_built_cannot_be_pinned():
    with pytest.raises(CollectionError, match="The service tool is built by Compose from a folder"):
        wanted_images(services(tool=None), {}, {})


def test_reference_of_a_pin():
    pin = Pin("redis:6-alpine", digest("a"))
    assert pin.reference == f"docker.io/library/redis@{digest('a')}"
    assert pin.as_json() == {"wanted": "redis:6-alpine", "digest": digest("a")}


def test_each_reference_is_asked_once():
    registry = Registry(api_1=Found(digest("a"), BOTH), redis_6=Found(digest("b"), BOTH))
    pins = pin_images(
        {"api": "api:1", "worker": "api:1", "redis": "redis:6"}, {"api", "worker"}, {}, registry, PLATFORM
    )
    assert registry.asked == ["api:1", "redis:6"]
    assert pins == {
        "api": Pin("api:1", digest("a")),
        "worker": Pin("api:1", digest("a")),
        "redis": Pin("redis:6", digest("b")),
    }


@pytest.mark.parametrize(
    "before, ours, pinned",
    [
        pytest.param("redis:6", set(), "a", id="known-is-not-asked-again"),
        pytest.param("redis:6", {"redis"}, "b", id="ours-is-asked-each-time"),
        pytest.param("redis:5", set(), "b", id="other-tag-is-asked"),
    ],
)
def test_pins_of_the_release_before(before, ours, pinned):
    known = {"cache": {"wanted": before, "digest": digest("a")}}
    pins = pin_images({"redis": "redis:6"}, ours, known, Registry(redis_6=Found(digest("b"), BOTH)), PLATFORM)
    assert pins == {"redis": Pin("redis:6", digest(pinned))}


def test_missing_images_are_made_by_the_build():
    with pytest.raises(MissingPrerequisite) as raised:
        pin_images({"api": "api:1", "redis": "redis:6"}, {"api"}, {}, Registry(), PLATFORM)
    assert raised.value.task == "the build playbook"
    assert "api: there is no docker.io/library/api:1 in the registry; redis: there is no" in raised.value.msg


@pytest.mark.parametrize(
    "platforms, message",
    [
        pytest.param(("linux/amd64",), "is for linux/amd64, and this host is linux/arm64", id="another"),
        pytest.param(("linux/amd64", "linux/arm/v7"), "is for linux/amd64, linux/arm/v7, and", id="others"),
        pytest.param((), "is for no platform, and", id="none"),
    ],
)
def test_an_image_for_another_platform(platforms, message):
    with pytest.raises(
        CollectionError, match=f"Not every image can run here. redis: docker.io/library/redis:6 {message}"
    ):
        pin_images({"redis": "redis:6"}, set(), {}, Registry(redis_6=Found(digest("a"), platforms)), PLATFORM)


def test_all_problems_are_told():
    registry = Registry(redis_6=Found(digest("a"), ("linux/amd64",)))
    with pytest.raises(CollectionError, match="redis: .*exec format error'; api: there is no") as raised:
        pin_images({"redis": "redis:6", "api": "api:1"}, set(), {}, registry, PLATFORM)
    assert not isinstance(raised.value, MissingPrerequisite), "the build playbook would not mend it"


def test_a_registry_that_does_not_answer_is_told_with_all_that_is_wanted_of_it():
    def find(reference):
        if reference != "r.example/api:1":
            raise CollectionError("The registry docker.io cannot be reached: no route.", registry="docker.io")
        return Found(digest("a"), BOTH)

    wanted = {"api": "r.example/api:1", "cache": "redis:6", "db": "postgres:15", "web": "r.example/web:1"}
    with pytest.raises(CollectionError) as raised:
        pin_images(wanted, {"api", "web"}, {}, find, PLATFORM)
    assert raised.value.msg == (
        "The registry docker.io cannot be reached: no route. It is asked for cache: docker.io/library/redis:6; db: "
        "docker.io/library/postgres:15. An image that a mirror has is given in image_map (of the role: deployment_image_map)."
    )
    assert raised.value.facts == {"registry": "docker.io"}


def test_a_registry_of_this_host_that_is_not_there_yet_is_a_prerequisite():
    def find(reference):
        raise MissingPrerequisite("The registry localhost:5000 cannot be reached.", task="the registry playbook")

    with pytest.raises(MissingPrerequisite):
        pin_images({"api": "localhost:5000/api:1"}, {"api"}, {}, find, PLATFORM)
