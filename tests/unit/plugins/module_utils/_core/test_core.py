# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._core.outcome import finish, readable_arguments
from ansible_collections.imagefleet.dify.plugins.module_utils._core.plan import Plan
from ansible_collections.imagefleet.dify.plugins.module_utils._core.spec import ArgumentSpec


class Ended(Exception):
    pass


class Module:
    """What a module does at its end, as an exception that a test can look at."""

    def __init__(self, check_mode, **params):
        self.check_mode, self.params = check_mode, params

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


def test_what_nobody_foresaw_is_a_sentence_with_its_place():
    with pytest.raises(Ended) as ended:
        finish(Module(False), lambda: {}["no such key"])
    how, result = ended.value.args
    assert how == "fail"
    assert re.fullmatch(r"KeyError in test_core.py, line \d+: 'no such key'. This is a fault .*", result["msg"])
    assert "Traceback" in result["exception"]


@pytest.mark.parametrize(
    "params, path",
    [
        pytest.param({"a": "x\0"}, "a", id="text"),
        pytest.param({"a": [{"b": "x"}, {"b": ["\0"]}]}, "a[1].b[0]", id="deep"),
        pytest.param({"a": {"x\0": "y"}}, "a", id="key"),
    ],
)
def test_a_nul_is_refused_before_anything(params, path):
    with pytest.raises(Ended) as ended:
        finish(Module(False, **params), lambda: pytest.fail("it began"))
    assert (
        ended.value.args[1]["msg"] == f"{path} holds a NUL character, which no path, name or argument can. Remove it."
    )


def test_arguments_that_ansible_trips_over(capsys):
    with pytest.raises(SystemExit) as ended, readable_arguments():
        raise TypeError("argument of type 'int' is not iterable")
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["msg"].startswith("The arguments cannot be read: argument of type 'int'")


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
