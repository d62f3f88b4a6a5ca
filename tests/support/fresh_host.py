# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with nothing on it, in a container without systemd, and our playbooks run on it. Fixtures ``host``, ``play_there``,
``provision`` and ``look_after``.

Its engine runs in its own network namespace, so that it leaves the one that runs the container alone. Emulators are the
kernel's and hence everybody's: it asks for its native platform only.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from functools import partial

import pytest

from support.task_results import read_results, recording_to


def docker(*arguments):
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module", name="host")
def fresh_host(registry):
    name = f"fresh-host-{os.getpid()}"
    docker(
        "run", "--detach", "--init", "--privileged", "--name", name, "--tmpfs", "/run", "--tmpfs", "/tmp",
        "--volume", "/var/lib/docker", f"{registry}/bases/debian:bookworm-slim", "sleep", "infinity",
    )  # fmt: skip
    try:
        # What Ansible itself needs there.
        docker("exec", name, "sh", "-c", "apt-get update -q && apt-get install -y -q --no-install-recommends python3")
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


@pytest.fixture(name="play_there")
def play_on_host(host, run_playbook, tmp_path):
    """Run playbooks on the host; what that printed."""
    inventory = tmp_path / "inventory.json"
    machine = {"ansible_connection": "community.docker.docker", "ansible_host": host}
    variables = {
        "build_host_engine_source": "distribution",
        "build_host_platforms": [f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}"],
        "build_host_builder_driver": "docker",
        "build_host_builder_name": "default",
    }
    group = {"hosts": {"fresh": machine}, "vars": variables}
    inventory.write_text(json.dumps({"build_hosts": group, "registry_hosts": group}))

    def run(playbooks, *options, **extra):
        return run_playbook(*(f"playbooks/{name}.yml" for name in playbooks), "-i", str(inventory), *options, **extra)

    return run


@pytest.fixture(name="run_there")
def run_on_host(play_there, playbook_environment, tmp_path, monkeypatch):
    """Run playbooks on the host; the tasks that changed something, with what they were looping over."""
    results = tmp_path / "results"
    for name, value in {**recording_to(results), "ANSIBLE_PIPELINING": "True"}.items():
        monkeypatch.setitem(playbook_environment, name, value)

    def run(playbooks, *options, **extra):
        results.unlink(missing_ok=True)
        play_there(playbooks, *options, **extra)
        return [change for line in read_results(results) for change in changes(line)]

    return run


@pytest.fixture(name="provision")
def provision_host(run_there):
    """Bring it engine and registry."""
    return partial(run_there, ["provision", "registry"])


@pytest.fixture(name="look_after")
def look_after_host(run_there):
    """Run upkeep on it."""
    return partial(run_there, ["upkeep"])


def changes(line):
    """A task's name for each of its results that is a change."""
    parts = line["result"].get("results") or [line["result"]]
    return [
        " ".join(filter(None, (line["task"], str(part.get("_ansible_item_label") or part.get("item") or ""))))
        for part in parts
        if part.get("changed")
    ]
