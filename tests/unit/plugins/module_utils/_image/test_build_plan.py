# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_plan import Found, holds, plan_image
from ansible_collections.imagefleet.dify.plugins.module_utils._image.build_spec import IMAGE_OPTIONS
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import FILE, Entry, blob_id
from ansible_collections.imagefleet.dify.plugins.module_utils._image.inputs import ANNOTATION_LIMIT, ContextInput
from ansible_collections.imagefleet.dify.plugins.module_utils._image.record import (
    files_tag,
    index_annotations,
    long_files,
    manifest_annotations,
    parse_record,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import image_requests
from ansible_collections.imagefleet.dify.plugins.module_utils._image.resolve import context_key, resolve_image
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.manifest import OCI_INDEX, json_manifest

NOTHING = dict.fromkeys(IMAGE_OPTIONS)
DIGESTS = {
    "docker.io/library/python:3.11": "sha256:" + "1" * 64,
    "mirror.example.com/python:3.11": "sha256:" + "2" * 64,
    "docker.io/library/tools:latest": "sha256:" + "3" * 64,
}


class Folder:
    """A context in memory."""

    def __init__(self, files, at_root=False):
        self.files = files
        self.at_root = at_root

    def entries(self):
        return tuple(Entry(path, FILE, False, blob_id(content)) for path, content in sorted(self.files.items()))

    def read(self, path):
        return self.files.get(path)


FILES = {"Dockerfile": b"FROM python:3.11\nCOPY . .\n", "app.py": b"1"}


def resolve(files=FILES, at_root=False, now=0.0, **options):
    image = {
        "name": "api",
        "repository": "r.example.com/api",
        "context": "/c",
        "platforms": ["linux/amd64", "linux/arm64"],
    }
    (request,) = image_requests({**NOTHING, "images": [{**NOTHING, **image, **options}]})
    return resolve_image(request, lambda path, commit: Folder(files, at_root), lambda ref: DIGESTS.get(str(ref)), now)


def index_of(resolved, **annotations):
    entries = [
        {"digest": f"sha256:{number:064}", "platform": {"os": "linux", "architecture": platform.partition("/")[2]}}
        for number, platform in enumerate(resolved.inputs)
    ]
    return json_manifest(
        {
            "mediaType": OCI_INDEX,
            "manifests": entries,
            "annotations": {**index_annotations(resolved.inputs, None), **annotations},
        }
    )


def record_of(resolved):
    return parse_record(index_of(resolved).annotations)


def test_bases_are_pinned_to_digests():
    resolved = resolve()
    assert resolved.pinned["linux/arm64"] == {
        "python:3.11": f"docker-image://docker.io/library/python@sha256:{'1' * 64}"
    }
    assert resolved.inputs["linux/arm64"].images == {"python:3.11": f"sha256:{'1' * 64}"}


def test_a_base_is_replaced():
    resolved = resolve(base_images={"python:3.11": "mirror.example.com/python:3.11"})
    assert resolved.pinned["linux/amd64"] == {
        "python:3.11": f"docker-image://mirror.example.com/python@sha256:{'2' * 64}"
    }


def test_a_base_that_has_a_digest_is_not_asked_for():
    digest = "sha256:" + "9" * 64
    assert resolve({"Dockerfile": f"FROM x.example.com/y@{digest}".encode()}).inputs["linux/amd64"].images == {
        f"x.example.com/y@{digest}": digest
    }


def test_a_named_context_takes_the_place_of_a_base():
    resolved = resolve(contexts={"python:3.11": "docker-image://tools:latest"})
    assert resolved.pinned["linux/amd64"] == {
        "python:3.11": f"docker-image://docker.io/library/tools@sha256:{'3' * 64}"
    }


@pytest.mark.parametrize(
    "value, digest",
    [
        pytest.param("https://x/y.git#" + "a" * 40, "a" * 40, id="git-commit"),
        pytest.param("https://x/y.git#" + "a" * 40 + ":sub", "a" * 40, id="git-folder"),
        pytest.param("oci-layout:///l@sha256:" + "b" * 64, "sha256:" + "b" * 64, id="layout"),
    ],
)
def test_named_contexts_are_pinned(value, digest):
    resolved = resolve(contexts={"extra": value})
    assert resolved.pinned["linux/amd64"]["extra"] == value
    assert resolved.inputs["linux/amd64"].images["extra"] == digest


def test_a_named_folder_counts_by_content():
    resolved = resolve(contexts={"extra": "/somewhere"})
    assert set(resolved.inputs["linux/amd64"].contexts) == {"", "extra"}


@pytest.mark.parametrize(
    "files, options, message",
    [
        pytest.param({"app.py": b""}, {}, "Dockerfile Dockerfile is not in the context", id="no-dockerfile"),
        pytest.param(FILES, {"dockerfile": "../Dockerfile"}, "leads out of the context", id="dockerfile-outside"),
        pytest.param(FILES, {"dockerfile": "/no/such"}, "not on this host", id="absolute-dockerfile"),
        pytest.param({"Dockerfile": b"FROM unknown:1"}, {}, "base unknown:1 is .* no such image", id="base-not-there"),
        pytest.param(FILES, {"contexts": {"a": "https://x/y.git#main"}}, "can't be pinned", id="git-branch"),
        pytest.param(FILES, {"contexts": {"a": "relative"}}, "can't be pinned", id="relative-folder"),
        pytest.param(FILES, {"contexts": {"a": "oci-layout:///l:tag"}}, "can't be pinned", id="layout-by-tag"),
        pytest.param(FILES, {"target": "none"}, "no stage 'none'", id="target"),
    ],
)
def test_what_cannot_be_resolved(files, options, message):
    with pytest.raises(CollectionError, match=message):
        resolve(files, **options)


def test_ignore_files_beside_the_dockerfile_win():
    files = {"api/Dockerfile": b"FROM scratch\nCOPY . .", "a": b"", "b": b"", ".dockerignore": b"a"}
    assert "a" not in resolve(files, dockerfile="api/Dockerfile").inputs["linux/amd64"].contexts[""].files
    files["api/Dockerfile.dockerignore"] = b"b"
    kept = resolve(files, dockerfile="api/Dockerfile").inputs["linux/amd64"].contexts[""].files
    assert "a" in kept
    assert "b" not in kept


def test_a_root_is_narrowed_to_what_is_copied():
    files = {"Dockerfile": b"FROM scratch\nCOPY api api", "api/app.py": b"", "web/page.js": b""}
    assert set(resolve(files, at_root=True).inputs["linux/amd64"].contexts[""].files) == {"api/app.py"}


def test_the_age_period():
    young, old = resolve(max_age="7d", now=604800.0), resolve(max_age="7d", now=2 * 604800.0)
    assert young.fingerprint != old.fingerprint
    plan = plan_image(old, Found(previous=record_of(young), compared=True))
    assert plan.reasons == ("older than 7d",)


def test_what_is_there_is_not_built():
    resolved = resolve()
    plan = plan_image(resolved, Found(index=index_of(resolved)))
    assert not plan.changed
    assert plan.missing == ()
    assert plan.result()["digest"] == index_of(resolved).digest
    assert [platform["digest"] for platform in plan.result()["platforms"]] == [f"sha256:{n:064}" for n in range(2)]


def test_the_first_build():
    plan = plan_image(resolve(), Found())
    assert [missing.platform for missing in plan.missing] == ["linux/amd64", "linux/arm64"]
    assert plan.reasons == ("first build",)
    assert "digest" not in plan.result()


def test_a_changed_file_is_the_reason():
    previous = resolve()
    resolved = resolve({**FILES, "app.py": b"2"})
    record = record_of(previous)
    plan = plan_image(resolved, Found(previous=record, previous_files=record.files, compared=True))
    assert plan.reasons == ("context api: 1 file changed: app.py",)


def test_only_the_added_platform_is_built():
    amd64 = resolve(platforms=["linux/amd64"])
    both = resolve()
    found = Found(platforms={"linux/amd64": index_of(amd64)}, previous=record_of(amd64), compared=True)
    plan = plan_image(both, found)
    assert [missing.platform for missing in plan.missing] == ["linux/arm64"]
    assert plan.reasons == ("platform linux/arm64: added",)


def test_platforms_that_are_there_are_merged():
    resolved = resolve()
    plan = plan_image(resolved, Found(platforms=dict.fromkeys(resolved.inputs, index_of(resolved))))
    assert plan.changed
    assert plan.missing == ()
    assert not plan.result()["built"]


def test_a_reason_for_some_platforms_names_them(monkeypatch):
    dockerfile = b"FROM python:3.11-$TARGETARCH"
    monkeypatch.setitem(DIGESTS, "docker.io/library/python:3.11-amd64", "sha256:" + "4" * 64)
    monkeypatch.setitem(DIGESTS, "docker.io/library/python:3.11-arm64", "sha256:" + "5" * 64)
    previous = resolve({"Dockerfile": dockerfile})
    monkeypatch.setitem(DIGESTS, "docker.io/library/python:3.11-arm64", "sha256:" + "6" * 64)
    resolved = resolve({"Dockerfile": dockerfile})
    found = Found(platforms={}, previous=record_of(previous), compared=True)
    plan = plan_image(resolved, found)
    five, six = "sha256:" + "5" * 64, "sha256:" + "6" * 64
    assert f"base python:3.11-arm64: {five} -> {six} (linux/arm64)" in plan.reasons


def test_rebuild_never():
    with pytest.raises(CollectionError, match="rebuild is never: first build"):
        plan_image(resolve(rebuild="never"), Found())


def test_rebuild_always_writes_beside():
    plan = plan_image(resolve(rebuild="always"), Found(), "-r2")
    assert plan.reasons == ("rebuild: always", "first build")
    assert plan.tag.endswith("-r2")
    assert all(platform.tag.endswith("-r2") for platform in plan.platforms)


def test_a_tag_without_a_record():
    plan = plan_image(resolve(compare_to="r.example.com/api:1"), Found(compared=True))
    assert plan.reasons == ("first build: r.example.com/api:1 has no record of its inputs",)


def test_equal_inputs_that_are_not_there():
    resolved = resolve()
    plan = plan_image(resolved, Found(previous=record_of(resolved), compared=True))
    assert plan.reasons == ("not in the registry under its fingerprint",)


def test_holds():
    index = index_of(resolve())
    assert holds(index, ["linux/arm64"])
    assert not holds(index, ["linux/arm64", "linux/s390x"])


def test_a_record_comes_back():
    resolved = resolve()
    record = record_of(resolved)
    for platform, inputs in resolved.inputs.items():
        assert record.inputs_of(platform) == inputs.counted()
    assert record.inputs_of("linux/s390x") is None
    assert record.files == next(iter(resolved.inputs.values())).files()


@pytest.mark.parametrize(
    "annotations",
    [{}, {"dev.imagefleet.inputs": "x"}, {"dev.imagefleet.inputs": "[]"}, {"dev.imagefleet.inputs": "{}"}],
)
def test_what_is_no_record(annotations):
    assert parse_record(annotations) is None


def test_long_file_lists_go_beside_the_image():
    short = next(iter(resolve().inputs.values()))
    long = replace(
        short, contexts={"": ContextInput("sha256:c", {f"folder/file-{n}": "file " + "0" * 40 for n in range(2000)})}
    )
    assert long_files(short) is None
    assert len(long_files(long)) > ANNOTATION_LIMIT
    for written in (manifest_annotations(long), index_annotations({"linux/amd64": long}, "abc")):
        assert sum(map(len, written.values())) < ANNOTATION_LIMIT
    assert parse_record(index_annotations({"linux/amd64": long}, None)).files is None
    assert files_tag(long.counted()) == files_tag({"contexts": {"": "sha256:c"}})


def test_user_annotations_and_revision_are_on_the_index():
    annotations = index_annotations(resolve(annotations={"a": "b"}).inputs, "abc")
    assert annotations["a"] == "b"
    assert annotations["org.opencontainers.image.revision"] == "abc"


@pytest.mark.parametrize(
    "name, key",
    [
        pytest.param("busybox:latest", "busybox", id="latest"),
        pytest.param("busybox", "busybox", id="no-tag"),
        pytest.param("docker.io/library/python:3.11", "python:3.11", id="official"),
        pytest.param("docker.io/ubuntu/squid:latest", "ubuntu/squid", id="a-users"),
        pytest.param("registry.example.com:5000/a/b:1", "registry.example.com:5000/a/b:1", id="other-registry"),
        pytest.param("MyContext", "MyContext", id="no-reference"),
    ],
)
def test_context_key(name, key):
    assert context_key(name) == key
