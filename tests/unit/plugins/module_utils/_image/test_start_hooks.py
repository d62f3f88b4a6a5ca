# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.start_hooks import entrypoint_script


def start(folder, shell, hooks, *command):
    """Run the entrypoint as a container would start; hooks are texts of scripts."""
    paths = []
    for number, text in enumerate(hooks):
        path = folder / f"it's $HOME {number}"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        paths.append(str(path))
    entrypoint = folder / "entrypoint"
    entrypoint.write_text(entrypoint_script(paths))
    return subprocess.run(
        [*shell.split(), str(entrypoint), *command], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.fixture(params=["dash", "bash"])
def shell(request):
    return request.param


def test_hooks_run_in_order_and_then_the_program(tmp_path, shell):
    done = start(tmp_path, shell, ["echo one", "echo two"], "echo", "the program", "with $HOME and  spaces")
    assert done.stdout == "one\ntwo\nthe program with $HOME and  spaces\n"
    assert done.returncode == 0


def test_a_hook_that_fails_stops_the_start(tmp_path, shell):
    done = start(tmp_path, shell, ["echo one", "exit 7", "echo three"], "echo", "the program")
    assert done.stdout == "one\n"
    assert done.returncode == 7
    assert f"the hook {tmp_path}/it's $HOME 1 ended with exit code 7" in done.stderr


def test_a_hook_that_is_missing_stops_the_start(tmp_path, shell):
    (tmp_path / "entrypoint").write_text(entrypoint_script(["/no/such/hook"]))
    done = subprocess.run(
        [shell, str(tmp_path / "entrypoint"), "echo", "the program"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 127)


def test_the_program_takes_the_place_of_the_script(tmp_path, shell):
    """Else a stop's signal would reach the script, and the program would be killed after the time of grace."""
    done = start(tmp_path, shell, ["echo $PPID"], "sh", "-c", "echo $$")
    of_script, of_program = done.stdout.split()
    assert of_script == of_program


def test_the_exit_code_is_the_programs(tmp_path, shell):
    assert start(tmp_path, shell, ["true"], "sh", "-c", "exit 3").returncode == 3
