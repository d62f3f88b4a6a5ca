# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Smoke tests with the docker SDK of Debian 12's own package, which the build_host role installs there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.module_runner import ROOT, ModuleRunner

SDK = ("docker==5.0.3", "requests<2.29", "urllib3<2")


@pytest.fixture
def old_sdk(tmp_path):
    folder = tmp_path / "sdk"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *SDK]
    subprocess.run(install, check=True, capture_output=True)
    runner = ModuleRunner(("env", f"PYTHONPATH={folder}:{ROOT}/.collections"))
    yield runner
    runner.close()


def test_each_platform_is_run_as_what_it_is(old_sdk, plain_registry, registry, prefix):
    repository = f"{plain_registry[0]}/{prefix}/busybox"
    base = f"{registry}/bases/busybox:latest"
    assert not old_sdk.run("image_promote", reference=base, target_repository=repository, tags=["1"]).get("failed")
    tests = [
        {"name": "it runs", "command": ["/bin/busybox", "uname", "-m"], "output": "x86_64|aarch64"},
        {"name": "its program", "elf": "/bin/busybox"},
        {"name": "what it runs when nothing is asked for"},
    ]
    result = old_sdk.run("image_smoke_test", reference=f"{repository}:1", tests=tests)
    assert {entry["platform"]: entry["passed"] for entry in result["platforms"]} == {
        "linux/amd64": True,
        "linux/arm64": True,
    }
