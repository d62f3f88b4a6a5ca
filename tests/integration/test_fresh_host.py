# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with nothing on it, in a container without systemd: provisioned, killed, reconfigured.

Its engine runs in its own network namespace, so that it leaves the one that runs the container alone. Emulators are the
kernel's and hence everybody's: it asks for its native platform only.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess

import pytest

ENGINE = ("cat", "/run/docker.pid")
KILL = """
for pidfile in /run/docker.pid /run/docker/containerd/containerd.pid /run/docker-registry.pid; do kill -9 "$(cat $pidfile)"; done
sleep 1
for pidfile in /run/docker.pid /run/docker-ssd.pid /run/docker-registry.pid /run/docker/containerd/containerd.pid; do
    echo 1 > $pidfile
done
mkdir -p /var/lib/docker-registry/docker/registry/v2/repositories/half/_uploads/written
"""


def docker(*arguments):
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def host(registry, prefix):
    name = f"{prefix}-fresh-host"
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


def changes(output):
    counts = re.findall(r"^fresh\s+: .*changed=(\d+)", output, re.MULTILINE)
    return int(counts[-1])


def test_fresh_host_becomes_a_build_host(host, run_playbook, tmp_path):
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

    def provision(*options, **extra):
        return changes(
            run_playbook("playbooks/provision.yml", "playbooks/registry.yml", "-i", str(inventory), *options, **extra)
        )

    assert provision("--check", "--diff") > 0
    assert docker("exec", host, "sh", "-c", "ls /etc/docker /usr/sbin/dockerd 2>/dev/null; true") == ""

    assert provision() > 0
    assert "io.containerd.snapshotter" in docker("exec", host, "docker", "info")
    assert docker("exec", host, "docker", "compose", "version", "--short")
    upgrades = docker("exec", host, "apt-get", "--simulate", "upgrade")
    assert [line for line in upgrades.splitlines() if "forky" in line or "trixie" in line] == []

    assert provision() == 0
    assert provision("--check", "--diff") == 0

    docker("exec", host, "bash", "-c", KILL)
    assert provision("--check") > 0
    assert provision() > 0
    assert docker("exec", host, "docker", "version", "--format", "{{.Server.Version}}")

    engine = docker("exec", host, *ENGINE)
    mirror = {"host": "mirror.lan:5000", "http": True, "mirrors_of": ["docker.io"]}
    assert provision(build_host_registries=[mirror]) > 0
    assert "http://mirror.lan:5000/" in docker("exec", host, "docker", "info")
    assert docker("exec", host, *ENGINE) == engine, "registries need a reload, not a restart"

    assert provision(build_host_registries=[mirror], build_host_daemon_config={"log-level": "warn"}) > 0
    assert docker("exec", host, *ENGINE) != engine
