# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each host became a build host of its own architecture."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# host_vars ask for it on one host only.
EMULATORS = {"amd64": {"qemu-aarch64"}, "arm64": set()}


@pytest.fixture
def engine(host):
    return json.loads(host.check_output("docker info --format '{{json .}}'"))


def test_architecture(host, name, engine):
    assert host.check_output("uname -m") == MACHINES[name]
    assert engine["Architecture"] == MACHINES[name]
    assert engine["OSType"] == "linux"


def test_services_run_and_start_again_at_boot(host):
    for service in ("docker", "containerd"):
        assert host.service(service).is_running
        assert host.service(service).is_enabled
    assert host.check_output("systemctl is-system-running") == "running"


def test_engine_settings(engine):
    assert ["driver-type", "io.containerd.snapshotter.v1"] in engine["DriverStatus"]
    registries = engine["RegistryConfig"]
    assert registries["Mirrors"] == ["http://registry.test:5000/"]
    assert registries["IndexConfigs"]["registry.test:5000"]["Secure"] is False


def test_builder(host):
    listed = host.check_output("BUILDX_CONFIG=/var/lib/imagefleet/buildx docker buildx inspect default")
    assert [line.split()[1] for line in listed.splitlines() if line.startswith("Driver:")] == ["docker"]
    assert [line.split()[1] for line in listed.splitlines() if line.startswith("Status:")] == ["running"]


def test_its_cache_is_collected_within_limits_of_the_disk(host):
    limits = json.loads(host.check_output("cat /etc/docker/daemon.json"))["builder"]["gc"]
    listed = host.check_output("BUILDX_CONFIG=/var/lib/imagefleet/buildx docker buildx inspect default")
    # What the engine was told in GB it counts in GiB.
    collected = dict(re.findall(r"(Reserved|MaxUsed|MinFree)Space:([0-9.]+)GiB", listed.replace(" ", "")))
    assert {f"default{name}Space": f"{size}GB" for name, size in collected.items()} == {
        name: size for name, size in limits.items() if name.endswith("Space")
    }
    assert int(limits["defaultMaxUsedSpace"].removesuffix("GB")) > 0


def test_emulators_are_set_up_where_they_were_asked_for(host, name):
    # Registrations are the kernel's, which containers share. What a host starts them from is its own.
    kept = host.check_output("find /etc/binfmt.d -name 'qemu-*.conf'").split()
    assert {Path(file).stem for file in kept} == EMULATORS[name]
    assert host.package("qemu-user").is_installed == bool(EMULATORS[name])


def test_this_machine_keeps_its_emulators():
    for emulator in Path("/proc/sys/fs/binfmt_misc").glob("qemu-*"):
        assert emulator.read_text().startswith("enabled\n")
