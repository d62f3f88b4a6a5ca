# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish
from ansible_collections.imagefleet.dify.plugins.module_utils._core.plan import Plan
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec


class Ended(Exception):
    pass


class Module:
    """What a module does at its end, as an exception that a test can look at."""

    def __init__(self, check_mode):
        self.check_mode = check_mode

    def exit_json(self, **result):
        raise Ended("exit", result)

    def fail_json(self, **result):
        raise Ended("fail", result)


def raises(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    "check_mode, work, how, msg",
    [
        pytest.param(False, raises(CollectionError("bad", image="a")), "fail", "bad", id="error"),
        pytest.param(True, raises(CollectionError("bad")), "fail", "bad", id="error-in-check-mode"),
        pytest.param(False, raises(MissingPrerequisite("none", task="x")), "fail", "none", id="missing"),
        pytest.param(
            True, raises(MissingPrerequisite("none", task="x")), "exit", "unknown until x has run: none", id="unknown"
        ),
        pytest.param(False, lambda: {"msg": "good"}, "exit", "good", id="success"),
    ],
)
def test_finish(check_mode, work, how, msg):
    with pytest.raises(Ended) as ended:
        finish(Module(check_mode), work)
    assert ended.value.args[0] == how
    assert ended.value.args[1]["msg"] == msg


def test_unknown_changes_nothing():
    assert MissingPrerequisite("none", task="x", image="a").check_mode_result() == {
        "changed": False,
        "unknown": True,
        "msg": "unknown until x has run: none",
        "image": "a",
    }


def test_cli_passes_everything_on():
    calls = []

    def execute(args, **keywords):
        calls.append((args, keywords))
        return 0, "out", ""

    Cli(execute, "docker", {"A": "1"}).run("x", stdin="s", environment={"B": "2"}, cwd="/c")
    assert calls == [
        (
            ["docker", "x"],
            {"data": "s", "environ_update": {"A": "1", "B": "2"}, "cwd": "/c", "handle_exceptions": False},
        )
    ]


@pytest.mark.parametrize(
    "error, kind, message",
    [
        pytest.param(
            FileNotFoundError("docker"), MissingPrerequisite, "Install it: the provision playbook", id="not-there"
        ),
        pytest.param(PermissionError("no"), CollectionError, "cannot be run", id="not-allowed"),
    ],
)
def test_cli_without_a_program(error, kind, message):
    def execute(args, **keywords):
        raise error

    with pytest.raises(kind, match=message):
        Cli(execute, "docker").run("x")


def test_cli_failure_has_the_last_lines():
    cli = Cli(lambda args, **keywords: (3, "", "\n".join(map(str, range(50)))), "docker")
    with pytest.raises(CollectionError, match="status 3") as failure:
        cli.run("x")
    assert "\n49" in failure.value.msg
    assert "\n29\n" not in failure.value.msg
    assert cli.run("x", check=False).rc == 3


def test_plan_changes_when_it_has_commands():
    assert not Plan({"a": 1}, {"a": 1}).changed
    assert Plan(None, {"a": 1}, (("x",),), ("missing",)).result() == {
        "changed": True,
        "commands": [["x"]],
        "reasons": ["missing"],
        "diff": {"before": {}, "after": {"a": 1}},
    }


def test_specs_merge():
    one = ArgumentSpec({"a": {}}, mutually_exclusive=(("a", "b"),), required_by={"a": ("b",)})
    two = ArgumentSpec({"b": {}}, mutually_exclusive=(("b", "c"),), required_one_of=(("a", "b"),))
    assert one.merge(two).to_kwargs() == {
        "argument_spec": {"a": {}, "b": {}},
        "mutually_exclusive": (("a", "b"), ("b", "c")),
        "required_together": (),
        "required_one_of": (("a", "b"),),
        "required_if": (),
        "required_by": {"a": ("b",)},
    }
