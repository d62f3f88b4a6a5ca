# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provisioning again when nothing changed, as hosts become more.

A host is a container of an image that the role provisioned once, with an engine of its own. When it is provisioned again, what
answers as its engine is this machine's, by its socket, and a process that sleeps has the name and the pid file of ``dockerd``. So
nothing that a task could do to it harms this machine's engine.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from bench_site import ROOT, run
from process_cost import cost_of

from support.task_results import read_results, recording_to

#: Hosts and forks of each run. Five are Ansible's default.
RUNS = ((1, 5), (5, 5), (20, 5), (20, 20), (50, 5), (50, 20))
#: Actions that start nothing on the host.
_ON_THE_CONTROLLER = ("assert", "include_role", "include_tasks", "debug", "set_fact", "validate_argument_spec")
_STAND_IN = "/opt/stand-in/dockerd"
_RUN = f"{_STAND_IN} infinity & echo $! | tee /run/docker-ssd.pid > /run/docker.pid; exec sleep infinity"
_CPU = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || awk '/^usage_usec/ {print $2 * 1000}' /sys/fs/cgroup/cpu.stat"
_BASE = "bases/debian:bookworm-slim"


@dataclass(frozen=True)
class Fleet:
    """Hosts that come from one image.

    :param folder: for inventories and what playbooks print.
    :param prefix: of the names of all containers, and the image's name.
    """

    folder: Path
    prefix: str

    def provision(self, hosts: list[str], forks: int = 5, **environment: str) -> dict[str, Any]:
        """Run the playbook on them; what it took of this machine, and what the recap says of each host."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(_inventory(hosts)))
        output = self.folder / "output"
        cost = cost_of(
            ["ansible-playbook", "-i", str(inventory), "--forks", str(forks), str(ROOT / "playbooks/provision.yml")],
            output,
            {**os.environ, **_ansible(), **environment},
        )
        return {
            "seconds": cost.seconds,
            "cpu_seconds": cost.cpu_seconds,
            "memory_mib": cost.memory_mib,
            "recap": {line.split()[0]: _counts(line) for line in output.read_text().splitlines() if ": ok=" in line},
        }

    def start(self, number: int) -> str:
        """One more host, already provisioned; its name."""
        name = f"{self.prefix}-{number}"
        run(
            "docker", "run", "--detach", "--init", "--name", name, "--hostname", name, "--tmpfs", "/run",
            "--volume", "/var/run/docker.sock:/run/docker.sock", self.prefix, "sh", "-c", _RUN,
        )  # fmt: skip
        return name

    def make_image(self, registry: str) -> None:
        """The image of hosts: a bare Debian, provisioned with an engine of its own."""
        name = f"{self.prefix}-bare"
        run(
            "docker", "run", "--detach", "--init", "--privileged", "--name", name, "--tmpfs", "/run", "--tmpfs", "/tmp",
            "--volume", "/var/lib/docker", f"{registry}/{_BASE}", "sleep", "infinity",
        )  # fmt: skip
        install = "apt-get update -q && apt-get install -y -q --no-install-recommends python3"
        run("docker", "exec", name, "sh", "-c", f"{install} && install -D /bin/sleep {_STAND_IN}")
        self.provision([name])
        run("docker", "commit", name, self.prefix)
        run("docker", "rm", "--force", "--volumes", name)


def host_growth(folder: Path) -> Iterator[dict[str, Any]]:
    """Provision again and again; what was found so far, after each run."""
    found: dict[str, Any] = {}
    with _fleet(folder) as fleet:
        fleet.make_image(os.environ.get("IMAGEFLEET_TEST_REGISTRY", "localhost:5000"))
        hosts = [fleet.start(number) for number in range(max(number for number, _forks in RUNS))]
        found["parts"] = _parts(fleet, hosts[0])
        found["without_pipelining"] = {"hosts": 5, "forks": 5, **_row(fleet, hosts[:5], 5, pipelining=False)}
        found["rows"] = []
        for number, forks in RUNS:
            found["rows"].append({"hosts": number, "forks": forks, **_row(fleet, hosts[:number], forks)})
            print(f"    {found['rows'][-1]}", flush=True)
            yield found


@contextmanager
def _fleet(folder: Path) -> Iterator[Fleet]:
    """One of which nothing stays."""
    fleet = Fleet(folder, f"imagefleet-scale-{secrets.token_hex(4)}")
    try:
        yield fleet
    finally:
        left = run("docker", "ps", "--all", "--quiet", "--filter", f"name={fleet.prefix}").split()
        if left:
            run("docker", "rm", "--force", "--volumes", *left)
        if run("docker", "image", "ls", "--quiet", fleet.prefix):
            run("docker", "image", "rm", "--force", fleet.prefix)


def _row(fleet: Fleet, hosts: list[str], forks: int, pipelining: bool = True) -> dict[str, Any]:
    """A run on hosts on which nothing changed since the last one."""
    load = round(os.getloadavg()[0], 2)
    before = _cpu_seconds(hosts)
    made = fleet.provision(hosts, forks, ANSIBLE_PIPELINING=str(pipelining))
    host_cpu = _cpu_seconds(hosts) - before
    recap = made.pop("recap")
    assert sorted(recap) == sorted(hosts)
    assert all(counts["changed"] == counts["failed"] == counts["unreachable"] == 0 for counts in recap.values()), recap
    return {
        **made,
        "host_cpu_seconds": round(host_cpu, 2),
        "ok": max(counts["ok"] for counts in recap.values()),
        "skipped": max(counts["skipped"] for counts in recap.values()),
        "load_before": load,
    }


def _parts(fleet: Fleet, host: str) -> list[dict[str, Any]]:
    """What the tasks of a host are, by the file of the role that they stand in or are included from."""
    recorded = fleet.folder / "results"
    fleet.provision([host], **recording_to(recorded))
    results: Counter[str] = Counter()
    started: Counter[str] = Counter()
    part = "facts"
    for line in read_results(recorded):
        if "/roles/build_host/" in line["path"]:
            part = Path(line["path"].partition(":")[0]).stem
        results[part] += 1
        started[part] += _started(line)
    return [{"part": name, "tasks": results[name], "modules": started[name]} for name in results]


def _started(line: dict[str, Any]) -> int:
    """How many modules a task started on the host: none, one, or one for each item of its loop."""
    if line["status"] == "skipped" or line["action"].rpartition(".")[2] in _ON_THE_CONTROLLER:
        return 0
    items = line["result"].get("results")
    return 1 if items is None else sum(not item.get("skipped") for item in items)


def _cpu_seconds(hosts: list[str]) -> float:
    """What the processes of hosts took so far, as their control groups have it."""
    return sum(int(run("docker", "exec", host, "sh", "-c", _CPU)) for host in hosts) / 1e9


def _inventory(hosts: list[str]) -> dict[str, Any]:
    architecture = "arm64" if platform.machine() == "aarch64" else "amd64"
    variables = {
        "ansible_connection": "community.docker.docker",
        "build_host_engine_source": "distribution",
        "build_host_platforms": [f"linux/{architecture}"],
        "build_host_builder_driver": "docker",
        "build_host_builder_name": "default",
    }
    return {"build_hosts": {"hosts": dict.fromkeys(hosts, {}), "vars": variables}}


def _ansible() -> dict[str, str]:
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
    }


def _counts(line: str) -> dict[str, int]:
    """Of a line of the recap."""
    return {name: int(count) for name, _equals, count in (word.partition("=") for word in line.split()[2:])}
