# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_build, image_smoke_test, image_promote and image_info over generated states of source and registry."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# What a build costs a second or two, and few states are enough: each is tried in all steps.
FEWER = settings(max_examples=max(4, settings().max_examples // 2))
BOTH = ["linux/amd64", "linux/arm64"]
DOCKERFILE = """\
ARG greeting=hello
FROM {base}
ARG greeting
COPY . /srv/
LABEL greeting=$greeting
CMD ["/bin/busybox", "cat", "/srv/page"]
"""

INPUTS = st.fixed_dictionaries(
    {
        "page": st.sampled_from(["one", "two"]),
        "ignored": st.sampled_from(["a", "b"]),
        "greeting": st.sampled_from(["hello", "bye"]),
        "platforms": st.sampled_from([BOTH[:1], BOTH[1:], BOTH]),
        "version": st.sampled_from(["1", "2"]),
        "revision": st.sampled_from(["a" * 40, "b" * 40]),
    }
)


@pytest.fixture
def places(plain_registry):
    # Its blobs, and beside them its repositories.
    return [plain_registry[1].parent.parent]


@pytest.fixture
def images(plain_registry):
    """The registry that the images go to, which nobody else uses."""
    return plain_registry[0]


@pytest.fixture
def context(tmp_path, registry):
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=f"{registry}/bases/busybox:latest"))
    (folder / ".dockerignore").write_text("notes\n")
    return folder


def build_arguments(context, repository, page, ignored, greeting, **options):
    (context / "page").write_text(page)
    (context / "notes").write_text(ignored)
    image = {"name": "page", "repository": repository, "context": str(context), "compare_to": f"{repository}:used"}
    return {"images": [{**image, "args": {"greeting": greeting}, **options}]}


@FEWER
@given(
    first=st.one_of(st.none(), INPUTS),
    second=INPUTS,
    rebuild=st.sampled_from(["changed", "changed", "never", "always"]),
)
def test_image_build(truth, modules, context, images, prefix, first, second, rebuild):
    repository = f"{images}/{prefix}/page"
    if first:
        built = modules.run("image_build", **build_arguments(context, repository, **first))
        assert not built.get("failed"), built
        modules.run("image_promote", reference=built["images"][0]["reference"], tags=["used"])
    arguments = build_arguments(context, repository, **second, rebuild=rebuild)
    if rebuild == "always":
        # Every run is to build again: nothing is ever done for good.
        predicted = modules.run("image_build", check=True, **arguments)
        actual = modules.run("image_build", **arguments)
        assert (predicted["changed"], actual["changed"]) == (True, True)
        assert predicted["images"][0]["reasons"] == actual["images"][0]["reasons"]
        assert predicted["images"][0]["fingerprint"] == actual["images"][0]["fingerprint"]
        return
    truth("image_build", **arguments)


class BuiltImages(NamedTuple):
    """An image of both platforms, and another from other inputs, as image_build returned them."""

    repository: str
    built: dict[str, Any]
    other: dict[str, Any]

    def __repr__(self):
        # Hypothesis shows it, twice, before it says what went wrong.
        return f"<images in {self.repository}>"


@pytest.fixture
def image(modules, context, images, prefix):
    repository = f"{images}/{prefix}/page"
    inputs = {"page": "one", "ignored": "a", "greeting": "hello", "platforms": BOTH}
    built = modules.run("image_build", **build_arguments(context, repository, **inputs))
    assert not built.get("failed"), built
    other = modules.run("image_build", **build_arguments(context, repository, **{**inputs, "page": "two"}))
    return BuiltImages(repository, built["images"][0], other["images"][0])


TESTS = [{"name": "the page", "output": "one", "timeout": 60}]


@FEWER
@given(
    recorded=st.lists(st.sampled_from(BOTH), unique=True),
    platforms=st.sampled_from([BOTH[:1], BOTH[1:], BOTH, ["linux/s390x"], []]),
    expected=st.sampled_from(["one", "one", "something else"]),
    rerun=st.booleans(),
)
def test_image_smoke_test(truth, modules, image, recorded, platforms, expected, rerun):
    repository, built, _other = image
    tests = [{**TESTS[0], "output": expected}]
    arguments = {"reference": built["reference"], "tests": tests}
    forget_records(repository)
    if recorded and expected == "one":
        assert not modules.run("image_smoke_test", **arguments, platforms=recorded).get("failed")
    if rerun:
        # Tests again whatever is on record, so check mode finds the same to do each time.
        predicted = modules.run("image_smoke_test", check=True, **arguments, platforms=platforms, rerun=True)
        actual = modules.run("image_smoke_test", **arguments, platforms=platforms, rerun=True)
        assert [entry["tested"] for entry in predicted.get("platforms", [])] == [
            entry["tested"] for entry in actual.get("platforms", [])
        ]
        return
    truth("image_smoke_test", only_trying_tells=True, **arguments, platforms=platforms)


def forget_records(repository):
    """Take the tags of passed tests away, by pointing them at nothing: the registry deletes by digest only."""
    host, _slash, name = repository.partition("/")
    with urllib.request.urlopen(f"http://{host}/v2/{name}/tags/list", timeout=10) as answer:
        tags = [tag for tag in json.load(answer)["tags"] or [] if tag.startswith("ok-")]
    for tag in tags:
        empty = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
        data = json.dumps({**empty, "annotations": {"for": tag}}).encode()
        url = f"http://{host}/v2/{name}/manifests/{tag}"
        put = urllib.request.Request(url, data, {"Content-Type": empty["mediaType"]}, method="PUT")
        with urllib.request.urlopen(put, timeout=10) as answer:
            digest = answer.headers["Docker-Content-Digest"]
        delete = urllib.request.Request(f"http://{host}/v2/{name}/manifests/{digest}", method="DELETE")
        urllib.request.urlopen(delete, timeout=10).close()


@given(
    current=st.dictionaries(st.sampled_from(["1.0", "2.0", "latest"]), st.sampled_from(["built", "other"])),
    tags=st.lists(st.sampled_from(["1.0", "2.0", "latest"]), min_size=1, unique=True),
    immutable=st.sampled_from([[], [r"\d+\.\d+"]]),
    force=st.booleans(),
    tested=st.booleans(),
    elsewhere=st.booleans(),
)
def test_image_promote(truth, modules, image, prefix, current, tags, immutable, force, tested, elsewhere):
    repository, built, other = image
    target = f"{repository}-{hash((tuple(sorted(current.items())), tuple(tags))) & 0xFFFF}-{elsewhere}"
    target = target.lower() if elsewhere else repository
    for tag in ("1.0", "2.0", "latest"):
        reference = {"built": built, "other": other}[current.get(tag, "other")]["reference"]
        assert not modules.run(
            "image_promote", reference=reference, target_repository=target, tags=[tag], force=True
        ).get("failed")
    arguments = {"reference": built["reference"], "target_repository": target, "tags": tags, "platforms": BOTH}
    if tested:
        modules.run("image_smoke_test", reference=built["reference"], tests=TESTS)
    truth("image_promote", **arguments, immutable_tags=immutable, force=force, tests=TESTS if tested else [])


@pytest.mark.parametrize("what", ["index", "nothing"])
def test_image_info(truth, image, images, prefix, what):
    reference = image[1]["reference"] if what == "index" else f"{images}/{prefix}/nothing:here"
    truth("image_info", reference=reference)
