# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import docker_builder
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_plan import BuilderPlan
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.client import (
    BuildxClient,
    parse_version,
    read_files,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

FIXTURES = Path(__file__).parent / "fixtures"
NO_CONTEXT = (1, "[]", "context not found")


class Recorded:
    """``run_command`` that replays answers by the command's arguments, and remembers what it was asked."""

    def __init__(self, answers=(), while_running=lambda: None):
        self.answers = dict(answers)
        self.while_running = while_running
        self.commands = []
        self.environments = []

    def __call__(self, args, *, data=None, environ_update=None, cwd=None, handle_exceptions=True):
        self.commands.append(" ".join(args[1:]))
        self.environments.append(environ_update)
        self.while_running()
        return self.answers[self.commands[-1]]


def client(tmp_path, answers=(), **options):
    recorded = Recorded(answers, **options)
    return BuildxClient(Cli(recorded, "docker", {"BUILDX_CONFIG": str(tmp_path)})), recorded


@pytest.fixture
def with_remote_builder(tmp_path):
    (tmp_path / "instances").mkdir()
    shutil.copy(FIXTURES / "instance_remote_0.29.1.json", tmp_path / "instances" / "r")
    return tmp_path


@pytest.mark.parametrize(
    "text, version",
    [
        pytest.param("github.com/docker/buildx v0.12.1 30feaa1\n", (0, 12, 1), id="upstream"),
        pytest.param("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n", (0, 13, 1), id="debian-13"),
        pytest.param("github.com/docker/buildx 0.29.1+ds1 0.29.1+ds1-4\n", (0, 29, 1), id="debian-forky"),
        pytest.param("github.com/docker/buildx v0.10.0-desktop.2 x\n", (0, 10, 0), id="desktop"),
    ],
)
def test_parse_version(text, version):
    assert parse_version(text) == version


def test_parse_version_refuses_a_development_build():
    with pytest.raises(CollectionError, match="does not say its version"):
        parse_version("github.com/docker/buildx (devel)\n")


@pytest.mark.parametrize(
    "answer, message",
    [
        pytest.param((1, "", "docker: 'buildx' is not a docker command.\n"), "has no buildx plugin here", id="missing"),
        pytest.param(
            (0, "github.com/docker/buildx v0.11.2 x", ""), "buildx 0.11.2 is too old: at least 0.12.0", id="old"
        ),
    ],
)
def test_version_that_will_not_do(tmp_path, answer, message):
    buildx, _recorded = client(tmp_path, {"buildx version": answer})
    with pytest.raises(MissingPrerequisite, match=message):
        buildx.version()


def test_a_recorded_builder_is_found_without_running_anything(with_remote_builder):
    buildx, recorded = client(with_remote_builder)
    assert buildx.find_builder("R").driver == "remote"
    assert recorded.commands == []


def test_nodes_are_asked_on_demand(with_remote_builder):
    inspected = (FIXTURES / "inspect_remote_0.13.1.txt").read_text(encoding="utf-8")
    buildx, recorded = client(with_remote_builder, {"buildx inspect r": (0, inspected, "")})
    assert buildx.find_builder("r", ask_nodes=True).is_running
    (environment,) = recorded.environments
    assert environment["BUILDX_CONFIG"] != str(with_remote_builder), "looking writes there"


@pytest.mark.parametrize(
    "answer, builder",
    [
        pytest.param((0, "[]", ""), docker_builder("other"), id="context"),
        pytest.param(NO_CONTEXT, None, id="neither"),
    ],
)
def test_a_name_without_record_may_be_a_context(tmp_path, answer, builder):
    buildx, _recorded = client(tmp_path, {"context inspect other": answer})
    assert buildx.find_builder("other") == builder


def test_inspecting_fails(with_remote_builder):
    buildx, _recorded = client(with_remote_builder, {"buildx inspect r": (1, "", "ERROR: out of order")})
    with pytest.raises(CollectionError, match=r"The nodes of builder r cannot be asked: out of order\."):
        buildx.find_builder("r", ask_nodes=True)


def test_a_folder_in_place_of_the_record(tmp_path):
    (tmp_path / "instances" / "x").mkdir(parents=True)
    buildx, _recorded = client(tmp_path)
    with pytest.raises(CollectionError, match="where buildx keeps builder x, cannot be read"):
        buildx.find_builder("x")


def test_list_builders(with_remote_builder):
    buildx, _recorded = client(with_remote_builder, {"context ls --format {{.Name}}": (0, "r\ndefault\n", "")})
    assert [(builder.name, builder.driver) for builder in buildx.list_builders()] == [
        ("r", "remote"),
        ("default", "docker"),
    ]


def test_list_builders_of_a_folder_that_is_not_there(tmp_path):
    buildx, _recorded = client(tmp_path / "none", {"context ls --format {{.Name}}": (0, "default\n", "")})
    assert buildx.list_builders() == (docker_builder("default"),)


KEY = "unix:///var/run/docker.sock"
DEFAULT_CONTEXT = {"Name": "default", "Endpoints": {"docker": {"Host": KEY}}}
OTHER_CONTEXT = {"Name": "far", "Endpoints": {"docker": {"Host": "ssh://far"}}}


@pytest.mark.parametrize(
    "current, context, name, in_use",
    [
        pytest.param(None, DEFAULT_CONTEXT, "default", True, id="nothing-chosen"),
        pytest.param(None, DEFAULT_CONTEXT, "r", False, id="nothing-chosen-other-builder"),
        pytest.param({"Key": KEY, "Name": "", "Global": False}, DEFAULT_CONTEXT, "default", True, id="default-chosen"),
        pytest.param({"Key": KEY, "Name": "r", "Global": False}, DEFAULT_CONTEXT, "R", True, id="chosen"),
        pytest.param({"Key": KEY, "Name": "r", "Global": False}, DEFAULT_CONTEXT, "default", False, id="other-chosen"),
        pytest.param({"Key": KEY, "Name": "r", "Global": False}, OTHER_CONTEXT, "r", False, id="for-another-endpoint"),
        pytest.param({"Key": KEY, "Name": "r", "Global": True}, OTHER_CONTEXT, "r", True, id="for-every-endpoint"),
        pytest.param({"Key": "far", "Name": "r", "Global": False}, OTHER_CONTEXT, "r", True, id="for-the-context"),
    ],
)
def test_is_in_use(tmp_path, current, context, name, in_use):
    if current is not None:
        (tmp_path / "current").write_text(json.dumps(current), encoding="utf-8")
    buildx, _recorded = client(tmp_path, {"context inspect": (0, json.dumps([context]), "")})
    assert buildx.is_in_use(name) is in_use


def plan_with_files(folder):
    return BuilderPlan(None, {}, (("buildx", "one"), ("buildx", "two")), (), {f"{folder}/n/key.pem": b"key"})


def test_apply_has_the_files_while_the_commands_run(tmp_path):
    seen = []
    file = tmp_path / ".imagefleet-x" / "n" / "key.pem"
    buildx, recorded = client(
        tmp_path,
        {"buildx one": (0, "", ""), "buildx two": (0, "", "")},
        while_running=lambda: seen.append((file.read_bytes(), file.stat().st_mode & 0o777)),
    )
    buildx.apply(plan_with_files(buildx.plan_folder("x")), "x")
    assert recorded.commands == ["buildx one", "buildx two"]
    assert seen == [(b"key", 0o600)] * 2
    assert not file.parent.parent.exists()


@pytest.mark.parametrize("rc", [pytest.param(0, id="buildx-sees-no-failure"), pytest.param(1, id="buildx-fails")])
def test_a_node_that_cannot_be_started_is_named(with_remote_builder, rc):
    silent = "Name: r\nNodes:\nName: a\nStatus: running\nName: b\nStatus: inactive\n"
    answers = {"buildx inspect --bootstrap r": (rc, "", "ERROR: x\n"), "buildx inspect r": (0, silent, "")}
    buildx, _recorded = client(with_remote_builder, answers)
    with pytest.raises(CollectionError, match=r"Node b of builder r \(tcp://127.0.0.1:\d+\) cannot be reached"):
        buildx.apply(BuilderPlan(None, {}, (("buildx", "inspect", "--bootstrap", "r"),)), "r")


def test_apply_stops_at_the_first_failure_and_removes_the_files(tmp_path):
    buildx, recorded = client(tmp_path, {"buildx one": (1, "", "ERROR: invalid driver option a for remote driver")})
    with pytest.raises(CollectionError) as failed:
        buildx.apply(plan_with_files(buildx.plan_folder("x")), "x")
    assert failed.value.msg.startswith("Builder x: invalid driver option a for remote driver. Correct driver_opts")
    assert failed.value.msg.endswith("Run this task again then. What failed was command 1 of 2: docker buildx one")
    assert recorded.commands == ["buildx one"]
    assert list(tmp_path.iterdir()) == []


def test_apply_goes_on_when_a_host_that_is_down_cannot_be_cleared(tmp_path):
    rm = ("--host", "ssh://down", "rm", "--force", "buildx_buildkit_b")
    buildx, recorded = client(tmp_path, {" ".join(rm): (1, "", "ssh: connect to host down"), "buildx two": (0, "", "")})
    (left,) = buildx.apply(BuilderPlan(None, {}, (rm, ("buildx", "two")), tidying=frozenset([rm])), "x")
    assert left.startswith("Builder x has what was declared. What stays behind: docker --host ssh://down rm --force")
    assert left.endswith("failed with ssh: connect to host down")
    assert recorded.commands == [" ".join(rm), "buildx two"]


@pytest.mark.parametrize("before", [b"the record", None], ids=["changed", "created"])
def test_apply_puts_the_record_back_when_a_node_cannot_be_created(tmp_path, before):
    record = tmp_path / "instances" / "x"
    record.parent.mkdir()
    if before:
        record.write_bytes(before)
    buildx, _recorded = client(
        tmp_path,
        {"buildx rm x": (0, "", ""), "buildx create x": (1, "", "ERROR: no")},
        while_running=lambda: record.write_bytes(b"half of it"),
    )
    with pytest.raises(CollectionError, match=r"Builder x: no\. The builder is as it was declared before\."):
        buildx.apply(BuilderPlan(None, {}, (("buildx", "rm", "x"), ("buildx", "create", "x"))), "x")
    assert (record.read_bytes() if record.exists() else None) == before


def test_read_files(tmp_path):
    (tmp_path / "ca").write_bytes(b"ca")
    assert read_files([f"{tmp_path}/ca"]) == {f"{tmp_path}/ca": b"ca"}
    with pytest.raises(MissingPrerequisite, match="missing does not exist, and the builder's declaration names it"):
        read_files([f"{tmp_path}/missing"])
    with pytest.raises(CollectionError, match="cannot be read"):
        read_files([str(tmp_path)])
