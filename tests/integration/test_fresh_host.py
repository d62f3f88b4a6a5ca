# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with nothing on it, in a container without systemd: provisioned, killed, drifted, reconfigured.

The tests follow each other, on one machine. Its engine runs in its own network namespace, so that it leaves the one that
runs the container alone. Emulators are the kernel's and hence everybody's: it asks for its native platform only.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.task_results import read_results, recording_to

ENGINE = ("cat", "/run/docker.pid")
KILL = """
for pidfile in /run/docker.pid /run/docker/containerd/containerd.pid /run/docker-registry.pid; do kill -9 "$(cat $pidfile)"; done
sleep 1
for pidfile in /run/docker.pid /run/docker-ssd.pid /run/docker-registry.pid /run/docker/containerd/containerd.pid; do
    echo 1 > $pidfile
done
mkdir -p /var/lib/docker-registry/docker/registry/v2/repositories/half/_uploads/written
"""


#: What may befall a build host with a registry: name -> what does it.
DRIFTS = {
    "settings of the engine replaced": "echo '{}' > /etc/docker/daemon.json",
    "settings of the engine for root only": "chmod 0600 /etc/docker/daemon.json",
    "settings of the registry gone": "rm /etc/docker/registry/config.yml",
    "engine stopped": "service docker stop",
    "registry stopped": "service docker-registry stop",
    "both killed": "pkill -9 dockerd; pkill -9 docker-registry; sleep 1",
    "git removed": "apt-get remove -y -q git",
    "init script's settings gone": "rm /etc/default/docker",
    "pins gone": "rm /etc/apt/preferences.d/*",
    "images' folder of another user": "chown root /var/lib/docker-registry",
}
#: Tasks that do the same at another time: the pattern of a name -> the other name.
SAME = {
    "Say what would be installed": "Install the packages",
    "Keep the other packages of those suites out .*": "Keep the suite's other packages out",
}
#: Every file with what it is, without what programs write while they run.
SNAPSHOT = """
find / /run -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /var/tmp -o -path /root/.ansible -o -path /var/log \\
    -o -path /run/docker -o -path /run/containerd \\) -prune -o -printf '%p %y %m %u:%g %s %T@ %l\\n' | sort
"""


def docker(*arguments):
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module")
def host(registry):
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


@pytest.fixture
def provision(host, run_playbook, playbook_environment, tmp_path, monkeypatch):
    """Run both playbooks on the host; the tasks that changed something, with what they were looping over."""
    inventory, results = tmp_path / "inventory.json", tmp_path / "results"
    machine = {"ansible_connection": "community.docker.docker", "ansible_host": host}
    variables = {
        "build_host_engine_source": "distribution",
        "build_host_platforms": [f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}"],
        "build_host_builder_driver": "docker",
        "build_host_builder_name": "default",
    }
    group = {"hosts": {"fresh": machine}, "vars": variables}
    inventory.write_text(json.dumps({"build_hosts": group, "registry_hosts": group}))
    for name, value in {**recording_to(results), "ANSIBLE_PIPELINING": "True"}.items():
        monkeypatch.setitem(playbook_environment, name, value)

    def run(*options, **extra):
        results.unlink(missing_ok=True)
        run_playbook("playbooks/provision.yml", "playbooks/registry.yml", "-i", str(inventory), *options, **extra)
        return [change for line in read_results(results) for change in changes(line)]

    return run


def changes(line):
    """A task's name for each of its results that is a change."""
    parts = line["result"].get("results") or [line["result"]]
    return [
        " ".join(filter(None, (line["task"], str(part.get("_ansible_item_label") or part.get("item") or ""))))
        for part in parts
        if part.get("changed")
    ]


def plainly(task):
    """The same name for tasks that do the same."""
    for name, other in SAME.items():
        task = re.sub(name, other, task)
    return task


def snapshot(host):
    return set(docker("exec", host, "sh", "-c", SNAPSHOT).splitlines())


def test_fresh_host_becomes_a_build_host(host, provision):
    assert provision("--check", "--diff")
    assert docker("exec", host, "sh", "-c", "ls /etc/docker /usr/sbin/dockerd 2>/dev/null; true") == ""

    assert provision()
    assert "io.containerd.snapshotter" in docker("exec", host, "docker", "info")
    assert docker("exec", host, "docker", "compose", "version", "--short")
    upgrades = docker("exec", host, "apt-get", "--simulate", "upgrade")
    assert [line for line in upgrades.splitlines() if "forky" in line or "trixie" in line] == []

    assert provision() == []
    assert provision("--check", "--diff") == []


@settings(
    max_examples=int(os.environ.get("IMAGEFLEET_STATES", "1")),
    derandomize=not os.environ.get("IMAGEFLEET_STATES"),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drifts=st.lists(st.sampled_from(sorted(DRIFTS)), unique=True, min_size=3, max_size=6))
def test_check_mode_says_what_the_run_mends(host, provision, drifts):
    for drift in drifts:
        subprocess.run(["docker", "exec", host, "sh", "-c", DRIFTS[drift]], capture_output=True, check=False)
    before = snapshot(host)
    predicted = provision("--check", "--diff")
    assert snapshot(host) ^ before == set(), drifts
    # A pin that two tasks would write is announced by both, and written by the first.
    # A command is not run in check mode, and says nothing: the one that changes something is a handler, notified by a task
    # that does say it.
    done = {plainly(task) for task in provision() if not task.endswith("Reload the engine")}
    assert {plainly(task) for task in predicted} == done, drifts
    assert docker("exec", host, "sed", "-n", "s/^VERSION_CODENAME=//p", "/etc/os-release") == "bookworm", drifts
    after = snapshot(host)
    assert provision("--check", "--diff") == [], drifts
    assert snapshot(host) ^ after == set(), drifts


def test_what_a_killed_machine_leaves(host, provision):
    docker("exec", host, "bash", "-c", KILL)
    assert provision("--check")
    assert provision()
    assert docker("exec", host, "docker", "version", "--format", "{{.Server.Version}}")


def test_registries_need_a_reload_and_other_settings_a_restart(host, provision):
    engine = docker("exec", host, *ENGINE)
    mirror = {"host": "mirror.lan:5000", "http": True, "mirrors_of": ["docker.io"]}
    assert provision(build_host_registries=[mirror])
    assert "http://mirror.lan:5000/" in docker("exec", host, "docker", "info")
    assert docker("exec", host, *ENGINE) == engine, "registries need a reload, not a restart"

    assert provision(build_host_registries=[mirror], build_host_daemon_config={"log-level": "warn"})
    assert docker("exec", host, *ENGINE) != engine
