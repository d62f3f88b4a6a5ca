# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that Compose takes for ones that run: that end again and again, have only begun, or are done."""

from __future__ import annotations

import json
import subprocess

import pytest

SERVICES = {
    "dies": {"command": ["sh", "-c", "echo no database; exit 3"], "restart": "always"},
    "stays": {"command": ["sleep", "600"], "restart": "always"},
    "job": {"command": ["true"], "restart": "no"},
}


@pytest.fixture
def start(registry, prefix, tmp_path):
    """Start some of the services, and wait as the role does."""

    def up(*names):
        services = {
            name: {"image": f"{registry}/bases/busybox:latest", "init": True, **SERVICES[name]} for name in names
        }
        (tmp_path / "compose.json").write_text(json.dumps({"services": services}))
        command = ["docker", "compose", "--project-name", prefix, "--file", str(tmp_path / "compose.json")]
        subprocess.run([*command, "up", "--detach"], check=True, capture_output=True)

    yield up
    subprocess.run(
        ["docker", "compose", "--project-name", prefix, "down", "--timeout", "1"], check=True, capture_output=True
    )


def test_one_that_ends_again_and_again_is_named(modules, start, prefix, tmp_path):
    start("dies", "stays", "job")
    found = modules.run("deployment_services", dir=str(tmp_path / "dify"), project=prefix, steady=3, timeout=8)
    # It may be looked at between two starts, or just after one.
    assert f"{prefix} does not stay up: dies " in found["msg"]
    assert "was started again" in found["msg"]
    assert "no database" in found["msg"]
    assert len(found["unsteady"]) == 1
    looked = modules.run("deployment_services", True, dir=str(tmp_path / "dify"), project=prefix, steady=3, timeout=8)
    assert not looked.get("failed")


def test_those_that_stay_are_waited_for(modules, start, prefix, tmp_path):
    start("stays", "job")
    args = {"dir": str(tmp_path / "dify"), "project": prefix, "steady": 3, "timeout": 20}
    (before,) = modules.run("deployment_services", True, **args)["unsteady"]
    assert before.startswith("stays has been up for ")
    assert modules.run("deployment_services", **args)["unsteady"] == []
