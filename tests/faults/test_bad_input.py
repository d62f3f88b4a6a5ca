# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option of every module with values that it was not made for.

A module either takes a value as what it is, or refuses it with a message that names the option or the value. It never
shows a traceback, never waits, and never does anything of what a hostile text says. The table of all messages is written to
the file that IMAGEFLEET_BAD_INPUT_TABLE names.
"""

from __future__ import annotations

import importlib
import json
import os
import time

import pytest

from support.bad_values import HOSTILE_TEXTS, TRACE, bad_values, options_of, with_value, write_table

ALL = "IMAGEFLEET_ALL_INPUTS" in os.environ
#: A call may ask a registry, Git or an engine; it may not wait for something that never comes.
LONGEST_SECONDS = 20

# The arguments that each module is called with besides the bad one.
NOWHERE = "localhost:1"
#: What ansible-core itself says of an option inside of an entry of a list, without its name.
NAMELESS = ("dictionary requested, could not parse JSON or key=value",)
GOOD = {
    "apt_suite": {"packages": ["dpkg"], "suite": "trixie", "release": "bookworm"},
    "binfmt": {"platforms": ["linux/amd64"]},
    "binfmt_info": {},
    "build_host_info": {},
    "build_host_upkeep": {},
    "buildx_builder": {"name": "b1", "driver": "remote", "nodes": [{"name": "n1", "endpoint": "tcp://localhost:1"}]},
    "buildx_builder_info": {},
    "buildx_builder_upkeep": {"name": "default"},
    "certificate": {
        "path": "{folder}/one.crt",
        "key": "{folder}/one.key",
        "ca_path": "{folder}/ca.crt",
        "ca_key": "{folder}/ca.key",
        "names": ["localhost"],
    },
    "certificate_request": {"key": "{folder}/one.key"},
    "registry_info": {"hosts": [NOWHERE], "repositories": [f"{NOWHERE}/one"]},
    "registry_users": {"path": "{folder}/users", "users": [{"name": "ci", "password": "hunter2"}]},
    "source_checkout": {"repo": "{folder}/source", "dest": "{folder}/dest", "timeout": 5},
    "source_profile": {"path": "{folder}/source"},
    "deployment_backup": {"dir": "{folder}/dify", "project": "p1"},
    "deployment_restore": {"dir": "{folder}/dify", "project": "p1"},
    "deployment_info": {"dir": "{folder}/dify"},
    "deployment_page": {"url": "http://localhost:1/", "browser": "true"},
    "deployment_preflight": {"project": "p1", "min_disk": 0.001, "min_memory": 0.001},
    "deployment_pull": {"images": [f"{NOWHERE}/one@sha256:{'0' * 64}"]},
    "deployment_release": {"dir": "{folder}/dify", "source": "{folder}/source", "version": "1.0.0", "project": "p1"},
    "deployment_rollout": {"dir": "{folder}/dify", "project": "p1"},
    "deployment_services": {"dir": "{folder}/dify", "project": "p1", "steady": 0, "timeout": 0},
    "deployment_state": {"dir": "{folder}/dify", "release": "1.0.0-x", "phase": "starting"},
    "deployment_verify": {"dir": "{folder}/dify", "project": "p1", "url": "http://localhost:1"},
    "image_build": {
        "images": [{"name": "one", "repository": f"{NOWHERE}/one", "context": "{folder}/context"}],
        "platforms": ["linux/amd64"],
        "version": "1",
    },
    "image_customisation": {
        "dest": "{folder}/customisation",
        "component": "api",
        "profile": {"user": "1001", "entrypoint": ["sh"], "command": [], "virtual_env": "/venv"},
        "files": [{"dest": "/etc/one", "content": "1"}],
        "scripts": [{"content": "#!/bin/sh", "hook": True}],
    },
    "image_info": {"reference": f"{NOWHERE}/one:1"},
    "image_smoke_test": {"reference": f"{NOWHERE}/one:1", "tests": [{"name": "it runs"}]},
    "image_promote": {"reference": f"{NOWHERE}/one:1", "tags": ["2"]},
    "image_signature": {"images": [f"{NOWHERE}/one@sha256:{'0' * 64}"], "key": "/etc/hostname"},
    "image_untag": {"repositories": [f"{NOWHERE}/one"], "tags": ["1"]},
    "image_prune": {"repositories": [f"{NOWHERE}/one"]},
}


def anything_for(option):
    """A value that the type of an option takes."""
    if option["type"] == "list":
        return [] if option["elements"] == "dict" else ["x"]
    return "x"


def spec_of(module):
    """The argument specification that a module gives to Ansible."""
    loaded = importlib.import_module(f"ansible_collections.imagefleet.dify.plugins.modules.{module}")
    caught = {}

    class Caught(Exception):
        pass

    def instead(**arguments):
        caught.update(arguments)
        raise Caught

    before, loaded.AnsibleModule = loaded.AnsibleModule, instead
    mask = os.umask(0o022)
    try:
        loaded.main()
    except Caught:
        return caught
    finally:
        os.umask(mask)
        loaded.AnsibleModule = before
    raise AssertionError(f"{module} makes no AnsibleModule")


@pytest.fixture
def good(tmp_path, source):
    source.change("page")
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (context / "page").write_text("")

    def arguments(module):
        return json.loads(json.dumps(GOOD[module]).replace("{folder}", str(tmp_path)))

    return arguments


def cases(spec):
    """Every option with values of every wrong type, and with hostile texts: all of them, or some in turn."""
    turn = 0
    for path, option in options_of(spec):
        for case, value in bad_values(option):
            hostile = case.rpartition(": ")[2] in HOSTILE_TEXTS
            turn += hostile
            if ALL or not hostile or turn % 5 == 0:
                yield path, case, value


@pytest.mark.parametrize("module", sorted(GOOD))
def test_every_option(modules, good, tmp_path, monkeypatch, module):
    monkeypatch.chdir(tmp_path)
    options = spec_of(module)["argument_spec"]
    rows, faults = [], []
    buildx = {"buildx_config": str(tmp_path / "buildx")} if "buildx_config" in options else {}
    for path, case, value in cases(options):
        arguments = with_value({**good(module), **buildx}, options, path, value)
        started = time.monotonic()
        name = ".".join(path)
        try:
            result = modules.run(module, check=True, process_environment={"HOME": str(tmp_path)}, **arguments)
        except AssertionError as error:
            faults.append(f"{name}, {case}: {str(error)[-700:]}")
            continue
        refused = bool(result.get("failed"))
        message = result.get("msg", "")
        rows.append(f"{module}\t{name}\t{case}\t{'refused' if refused else 'taken'}\t{message!r}")
        if time.monotonic() - started > LONGEST_SECONDS:
            faults.append(f"{name}, {case}: it took {time.monotonic() - started:.0f} s")
        if refused and not is_about(message, path, value):
            faults.append(f"{name}, {case}: the message names neither option nor value: {message}")
    assert not TRACE.exists(), "a hostile text was carried out"
    write_table(rows)
    assert len(rows) >= len(options)
    assert faults == [], "\n".join(faults)


def is_about(message, path, value):
    """Whether a message names the option, the value, or an option that the good arguments make fail."""
    named = [path[-1].rstrip("s"), path[-1].replace("_", " "), path[0], *texts(value)]
    if message in NAMELESS or message.startswith("The arguments cannot be read: "):
        return True
    quoted = [repr(text) for text in texts(value)]
    shown = any(word and (word in message or repr(word)[1:-1] in message) for word in named)
    return shown or any(text in message for text in quoted) or NOWHERE in message


def texts(value):
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return ["" if value is None else str(value)]


CONSTRAINTS = ("mutually_exclusive", "required_together", "required_one_of")


@pytest.mark.parametrize("module", sorted(GOOD))
def test_every_combination_that_the_specification_forbids(modules, good, module):
    spec = spec_of(module)
    options = spec["argument_spec"]
    for constraint in CONSTRAINTS:
        for group in spec.get(constraint) or ():
            arguments = {name: value for name, value in good(module).items() if name not in group}
            given = {"mutually_exclusive": group, "required_together": group[:1], "required_one_of": ()}[constraint]
            arguments.update({name: anything_for(options[name]) for name in given})
            result = modules.run(module, check=True, **arguments)
            assert result.get("failed"), (constraint, group)
            assert all(name in result["msg"] for name in group), result["msg"]
    for name, needed in (spec.get("required_by") or {}).items():
        result = modules.run(module, check=True, **{**good(module), name: "x"})
        assert result.get("failed"), name
        assert all(option in result["msg"] for option in needed), result["msg"]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=list(HOSTILE_TEXTS))
def test_an_unknown_option(modules, good, text):
    result = modules.run("image_info", check=True, **{**good("image_info"), text or "-": "x"})
    assert result.get("failed")
    assert "Unsupported parameters" in result["msg"]
