# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL between checkout and promotion, at moments spread over a whole run of the build playbook.

Every other time the whole process group dies, as when a container or a machine goes; the other times only
ansible-playbook itself does, as by the kernel's want of memory, and what it started goes on by itself.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import docker
import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.container_test import LABEL
from support.small_source import PLATFORMS, build_variables, write_inventory

REPOSITORY = "dify/dify-api"
MOMENTS = int(os.environ.get("IMAGEFLEET_MOMENTS", "2"))


@pytest.fixture
def start(playbook_environment, repository_root, tmp_path, source, content):
    """Start the build playbook, in a process group of its own; its output goes to a file."""
    inventory = write_inventory(tmp_path / "inventory.json")
    variables = build_variables(source, content.host, tmp_path, "dify")
    temporary = tmp_path / "ansible"

    def run(*options):
        command = ["ansible-playbook", "-i", str(inventory), "playbooks/build.yml", *options]
        output = (tmp_path / "output").open("w")
        return subprocess.Popen(
            [*command, "--extra-vars", json.dumps(variables)],
            cwd=repository_root,
            env={
                **playbook_environment,
                "ANSIBLE_REMOTE_TMP": str(temporary),
                "ANSIBLE_LOCAL_TEMP": f"{temporary}-local",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    return run


def members(group):
    """Processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def remains(tmp_path):
    """What a run must not leave: containers of tests, locks, and folders of its modules."""
    engine = docker.from_env()
    try:
        containers = [one.name for one in engine.containers.list(all=True, filters={"label": LABEL})]
    finally:
        engine.close()
    places = (
        (tmp_path / "ansible", "*/image-build-*"),
        (tmp_path / "ansible", "*/source-checkout-*"),
        (tmp_path / "checkout", "**/*.lock"),
        (tmp_path / "checkout", "*.new"),
        (Path("/run/lock/imagefleet-dify"), "*.lock"),
        (tmp_path / "buildx", "locks/*.lock"),
    )
    return containers + [str(path) for folder, pattern in places for path in folder.glob(pattern)]


def test_killed_at_any_moment(start, source, content, tmp_path, capsys):
    output = tmp_path / "output"

    def finish(process):
        assert process.wait(300) == 0, output.read_text()
        return int(re.findall(r"changed=(\d+)", output.read_text())[-1])

    source.change("the first")
    finish(start())
    source.change("the second")
    started = time.monotonic()
    assert finish(start()) > 0
    whole = time.monotonic() - started
    used = content.tags(REPOSITORY)["latest"]
    rows = []
    for number in range(MOMENTS):
        source.change(f"killed at moment {number}")
        process = start()
        moment = whole * (number + 0.5) / MOMENTS
        time.sleep(moment)
        alone = number % 2 == 1
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
        process.wait()
        task = (re.findall(r"^TASK \[(?:.* : )?(.*)\]", output.read_text(), re.MULTILINE) or ["before any task"])[-1]
        faults = content.faults(REPOSITORY, PLATFORMS)
        assert faults == [], (moment, task, faults)
        moved = content.tags(REPOSITORY)["latest"] != used
        deadline = time.monotonic() + 60
        while alone and members(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert content.faults(REPOSITORY, PLATFORMS) == []
        finish(start())
        assert content.faults(REPOSITORY, PLATFORMS) == []
        now = content.tags(REPOSITORY)["latest"]
        assert now != used, (moment, task, "the next run did not converge")
        used = now
        assert finish(start("--check")) == 0, output.read_text()
        left = remains(tmp_path)
        assert left == [], (moment, task, left)
        rows.append(
            f"{moment:6.1f} s  {'ansible-playbook' if alone else 'whole group':16}  {'moved' if moved else 'old':5}  {task}"
        )
    with capsys.disabled():
        print(
            f"\nkilled at {MOMENTS} moments of {whole:.1f} s; what died, what the tag pointed at then, and in which task:"
        )
        print("\n".join(rows))
