# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.bake import (
    BuildTarget,
    bake_args,
    bake_definition,
    batch_size,
    batches,
    needs_engine_cleanup,
    registry_output,
    time_attributes,
    tolerant_cache,
)

NEW, OLD = (0, 29, 1), (0, 13, 1)
PLAIN = BuildTarget("t", "/c", "/d/Dockerfile", ("linux/amd64",), "type=registry")


def with_(**fields):
    return BuildTarget(**{**PLAIN.__dict__, **fields})


@pytest.mark.parametrize(
    "fields, key, value",
    [
        pytest.param({}, "context", "/c", id="context"),
        pytest.param({}, "dockerfile", "/d/Dockerfile", id="dockerfile"),
        pytest.param({}, "platforms", ["linux/amd64"], id="platforms"),
        pytest.param({}, "output", ["type=registry"], id="output"),
        pytest.param({"tags": ("r:t",)}, "tags", ["r:t"], id="tags"),
        pytest.param({"target": "production"}, "target", "production", id="target"),
        pytest.param({"args": {"A": "1"}}, "args", {"A": "1"}, id="args"),
        pytest.param({"contexts": {"a": "/b"}}, "contexts", {"a": "/b"}, id="contexts"),
        pytest.param({"secrets": ("type=env,id=a,env=A",)}, "secret", ["type=env,id=a,env=A"], id="secrets"),
        pytest.param({"ssh": ("default",)}, "ssh", ["default"], id="ssh"),
        pytest.param({"labels": {"a": "b"}}, "labels", {"a": "b"}, id="labels"),
        pytest.param({"annotations": ("manifest:a=b",)}, "annotations", ["manifest:a=b"], id="annotations"),
        pytest.param({"cache_from": ("type=gha",)}, "cache-from", ["type=gha"], id="cache-from"),
        pytest.param({"cache_to": ("type=gha",)}, "cache-to", ["type=gha"], id="cache-to"),
        pytest.param({"attest": ("type=sbom",)}, "attest", ["type=sbom"], id="attest"),
        pytest.param({"network": "none"}, "network", "none", id="network"),
        pytest.param({"no_cache": True}, "no-cache", True, id="no-cache"),
        pytest.param({"args": {"A": "${x} %{y} $z"}}, "args", {"A": "$${x} %%{y} $z"}, id="templates-are-escaped"),
    ],
)
def test_every_field_is_in_the_definition(fields, key, value):
    assert with_(**fields).definition()[key] == value


def test_empty_fields_are_left_out():
    assert set(PLAIN.definition()) == {"context", "dockerfile", "platforms", "output"}


def test_definition_names_every_target():
    document = json.loads(bake_definition([PLAIN, with_(name="u")]))
    assert document["group"]["default"]["targets"] == ["t", "u"]
    assert set(document["target"]) == {"t", "u"}


@pytest.mark.parametrize(
    "fields, version, allowed",
    [
        pytest.param({}, OLD, [], id="old-buildx-has-no-allow"),
        pytest.param({}, (0, 20, 0), ["fs.read=/c", "fs.read=/d/Dockerfile"], id="context-and-dockerfile"),
        pytest.param({"contexts": {"a": "/e", "b": "docker-image://x"}}, NEW, ["fs.read=/e"], id="named-folders"),
        pytest.param({"secrets": ("type=file,id=a,src=/s",)}, NEW, ["fs.read=/s"], id="secret-files"),
        pytest.param({"cache_from": ("type=local,src=/l",)}, NEW, ["fs.read=/l"], id="local-cache-import"),
        pytest.param({"cache_to": ("type=local,dest=/l",)}, NEW, ["fs.write=/l"], id="local-cache-export"),
        pytest.param({"output": "type=oci,dest=/o"}, NEW, ["fs.write=/o"], id="layout"),
        pytest.param({"ssh": ("default",)}, NEW, ["ssh"], id="ssh"),
        pytest.param({"network": "host"}, NEW, ["network.host"], id="host-network"),
    ],
)
def test_bake_args(fields, version, allowed):
    arguments = bake_args("b", [with_(**fields)], "/m.json", version)
    assert arguments[:9] == (
        "buildx",
        "bake",
        "--builder",
        "b",
        "--file",
        "-",
        "--progress",
        "rawjson",
        "--metadata-file",
    )
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("--allow=")]
    assert set(allowed) <= set(given)
    assert bool(given) is bool(allowed)


@pytest.mark.parametrize(
    "driver, version, attributes, output",
    [
        pytest.param("docker", NEW, (), "type=registry,store=false", id="docker-does-not-store"),
        pytest.param("docker", OLD, (), "type=registry", id="old-buildx-must-store"),
        pytest.param("remote", NEW, ("a=b", "c=d"), "type=registry,a=b,c=d", id="attributes"),
        pytest.param("docker-container", OLD, (), "type=registry", id="container"),
    ],
)
def test_registry_output(driver, version, attributes, output):
    assert registry_output(driver, version, attributes) == output
    assert needs_engine_cleanup(driver, version) is (driver == "docker" and version == OLD)


@pytest.mark.parametrize(
    "epoch, rewrite, attributes",
    [
        pytest.param(None, False, (), id="no-time"),
        pytest.param(0, False, ("source-date-epoch=0",), id="1970"),
        pytest.param(7, True, ("source-date-epoch=7", "rewrite-timestamp=true"), id="files-too"),
    ],
)
def test_time_attributes(epoch, rewrite, attributes):
    assert time_attributes(epoch, rewrite) == attributes


@pytest.mark.parametrize(
    "export, tolerant",
    [
        pytest.param("type=registry,ref=x", "type=registry,ref=x,ignore-error=true", id="added"),
        pytest.param("type=registry,ref=x,ignore-error=false", "type=registry,ref=x,ignore-error=false", id="kept"),
        pytest.param("type=inline", "type=inline", id="inline-cannot-fail-apart"),
    ],
)
def test_tolerant_cache(export, tolerant):
    assert tolerant_cache([export]) == (tolerant,)


@pytest.mark.parametrize(
    "gibibytes, wanted, size",
    [
        pytest.param(2, None, 1, id="small"),
        pytest.param(8, None, 2, id="middle"),
        pytest.param(24, None, 6, id="large"),
        pytest.param(None, None, 1, id="unknown"),
        pytest.param(24, 1, 1, id="the-users-number"),
        pytest.param(None, 3, 3, id="the-users-number-without-memory"),
    ],
)
def test_batch_size(gibibytes, wanted, size):
    assert batch_size(None if gibibytes is None else gibibytes * 1024**3, wanted) == size


@pytest.mark.parametrize(
    "nodes, sizes, rounds",
    [
        pytest.param("nnnnn", {"n": 2}, ["ab", "cd", "e"], id="one-node-in-order"),
        pytest.param("nmnmn", {"n": 1, "m": 1}, ["ab", "cd", "e"], id="two-small-nodes-side-by-side"),
        pytest.param("nnmmm", {"n": 1, "m": 3}, ["acde", "b"], id="each-what-it-can"),
    ],
)
def test_batches(nodes, sizes, rounds):
    targets = [with_(name=name) for name in "abcde"]
    made = batches(targets, dict(zip("abcde", nodes)), sizes)
    assert ["".join(target.name for target in batch) for batch in made] == rounds
