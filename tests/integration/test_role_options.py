# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of roles that reach a module and nothing else: the module got what was asked for. In check mode, on this machine."""

from __future__ import annotations

import platform

import pytest

from support.task_results import read_results, recording_to

NATIVE = f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}"
OURS = {"build_host_engine_source": "distribution", "build_host_disk_minimum": 1}


@pytest.fixture
def invocations(run_playbook, playbook_environment, monkeypatch, tmp_path):
    """Run a playbook in check mode; what our modules were called with, by their names."""
    results = tmp_path / "results"
    for name, value in recording_to(results).items():
        monkeypatch.setitem(playbook_environment, name, value)

    def run(playbook, **variables):
        run_playbook(f"playbooks/{playbook}.yml", "-i", "examples/inventory.yml", "--check", **variables)
        called = {}
        for line in read_results(results):
            if "invocation" in line["result"]:
                called.setdefault(line["action"].rpartition(".")[2], []).append(
                    line["result"]["invocation"]["module_args"]
                )
        return called

    return run


def test_packages_come_from_the_suites_that_are_named(invocations):
    suites = {"build_host_engine_suite": "sid", "build_host_emulator_suite": "experimental"}
    called = invocations("provision", **OURS, **suites)["apt_suite"]
    asked = {" ".join(arguments["packages"]): arguments["suite"] for arguments in called}
    (engine,) = (suite for packages, suite in asked.items() if "docker.io" in packages)
    (emulator,) = (suite for packages, suite in asked.items() if "qemu-user" in packages)
    assert (engine, emulator) == ("sid", "experimental")


def test_emulators_come_from_the_image_that_is_named(invocations):
    image = {"build_host_emulator_source": "image", "build_host_emulator_image": "registry.test/binfmt:9"}
    (arguments,) = invocations("provision", **OURS, **image, build_host_emulator_minimum="6.1")["binfmt"]
    found = {name: arguments[name] for name in ("source", "image", "minimum_qemu_version")}
    assert found == {"source": "image", "image": "registry.test/binfmt:9", "minimum_qemu_version": "6.1"}


def test_upkeep_asks_for_what_it_is_told(invocations, tmp_path):
    platforms = [NATIVE, "linux/s390x"]
    called = invocations(
        "upkeep",
        upkeep_orphans_after=2.5,
        upkeep_warn_days=99,
        upkeep_platforms=platforms,
        upkeep_drift=False,
        upkeep_stop=False,
        upkeep_report_dir=str(tmp_path),
        build_host_builder_driver="docker-container",
    )
    assert [arguments["orphans_after"] for arguments in called["build_host_upkeep"]] == [2.5]
    assert [arguments["platforms"] for arguments in called["binfmt_info"]] == [platforms]
    for module in ("registry_info", "buildx_builder_upkeep"):
        assert [arguments["warn_days"] for arguments in called[module]] == [99]
