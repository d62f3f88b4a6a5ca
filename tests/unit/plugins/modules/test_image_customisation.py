# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module in states of its folder: check mode held against the run, and what every failure leaves as it was."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from support.machine_snapshot import take_files
from support.prediction import hold_against_run

PROFILE = {"user": "dify", "entrypoint": ["sh"], "command": [], "virtual_env": "/venv", "package_manager": "uv"}
WANTED = {
    "nothing": {},
    "a package": {"pip_packages": ["six"]},
    "everything": {
        "pip_packages": ["six"],
        "pip_requirements": "{folder}/requirements.txt",
        "apt_packages": ["tini"],
        "files": [{"src": "{folder}/file", "dest": "/etc/file"}],
        "scripts": [{"content": "#!/bin/sh", "hook": True}],
        "env": {"A": "b"},
    },
    "a file that is missing": {"pip_requirements": "{folder}/no-such-file"},
    "what cannot be": {"env": {"A_PASSWORD": "hunter2"}},
}
STATES = ("missing", "empty", "a package", "everything", "edited", "executable", "not ours", "a file", "a link")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "requirements.txt").write_text("tomli\n")
    (tmp_path / "file").write_bytes(b"\xff\x00")
    return tmp_path


def arguments(folder, wanted):
    given = {"dest": str(folder / "dest"), "component": "api", "profile": PROFILE}
    return {**given, **json.loads(json.dumps(WANTED[wanted]).replace("{folder}", str(folder)))}


def arrange(modules, folder, state):
    dest = folder / "dest"
    if state in ("empty", "not ours"):
        dest.mkdir()
    if state == "not ours":
        (dest / "Dockerfile").write_text("FROM scratch\n")
    if state == "a file":
        dest.write_text("")
    if state == "a link":
        dest.symlink_to("/etc")
    if state in WANTED or state in ("edited", "executable"):
        modules.run("image_customisation", **arguments(folder, state if state in WANTED else "everything"))
    if state == "edited":
        (dest / "apt_packages.txt").write_text("other\n")
        (dest / "more").mkdir()
    if state == "executable":
        os.chmod(dest / "files" / "etc" / "file", 0o755)


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("state", STATES)
def test_check_mode_is_what_the_run_does(modules, folder, state, wanted):
    arrange(modules, folder, state)
    given = arguments(folder, wanted)
    result = hold_against_run(modules, lambda: {"files": take_files([folder])}, "image_customisation", **given)
    refused = state in ("not ours", "a file", "a link") or wanted in ("a file that is missing", "what cannot be")
    assert bool(result.get("failed")) == refused
    assert "hunter2" not in str({key: value for key, value in result.items() if key != "invocation"})
    if not refused:
        nothing = wanted == "nothing"
        # An empty folder is nobody's.
        assert result["changed"] is not (state == wanted or (nothing and state in ("missing", "empty")))
        assert result["customised"] is not nothing
        assert (folder / "dest").exists() == (not nothing or state == "empty")


def test_a_missing_file_is_unknown_in_check_mode(modules, folder):
    result = modules.run("image_customisation", check=True, **arguments(folder, "a file that is missing"))
    assert result["unknown"]
    assert result["msg"].startswith("unknown until the task that makes ")


def test_files_of_the_host_are_read_at_each_run(modules, folder):
    given = arguments(folder, "everything")
    modules.run("image_customisation", **given)
    (folder / "file").write_text("another")
    assert modules.run("image_customisation", **given)["changes"] == ["files/etc/file"]
    shutil.copymode("/bin/sh", folder / "file")
    assert not modules.run("image_customisation", **given)["changed"]


def test_what_is_added_is_tested(modules, folder):
    (test,) = modules.run("image_customisation", **arguments(folder, "everything"))["smoke_tests"]
    assert test["entrypoint"] == ["/venv/bin/python"]
    assert test["command"][2:] == ["six", "tomli"]
    assert modules.run("image_customisation", **arguments(folder, "nothing"))["smoke_tests"] == []
