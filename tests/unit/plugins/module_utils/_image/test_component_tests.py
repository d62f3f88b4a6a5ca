# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.component_tests import component_tests

ELF = {"name": "elf", "elf": "auto"}
PAGE = {"name": "page", "http": {"path": "/", "port": 3000}}
HEALTH = {"name": "health", "http": {"path": "/health", "port": 5001}}


@pytest.mark.parametrize(
    "profile, base_path, path",
    [
        pytest.param({}, "", "/", id="nothing-known"),
        pytest.param({"page": "/signin"}, "", "/signin", id="the-root-leads-elsewhere"),
        pytest.param({}, "/ai", "/ai", id="the-root-below-a-path"),
        pytest.param({"page": "/signin"}, "/ai", "/ai/signin", id="below-a-path"),
    ],
)
def test_the_page_is_the_sources(profile, base_path, path):
    tests = component_tests([ELF, PAGE, HEALTH], profile, base_path)
    assert tests == [ELF, {"name": "page", "http": {"path": path, "port": 3000}}, HEALTH]


def test_data_that_a_build_downloads_must_be_there_without_a_network():
    profile = {"downloaded_data": {"nltk": ["punkt", "stopwords"], "tiktoken": ["gpt2"]}}
    health, nltk, tiktoken = component_tests([HEALTH], profile)
    assert health == HEALTH
    assert (nltk["network"], tiktoken["network"]) == ("none", "none")
    assert nltk["command"][2:] == ["punkt", "stopwords"]
    assert tiktoken["command"][2:] == ["gpt2"]
    compile(nltk["command"][1], "nltk", "exec")
    compile(tiktoken["command"][1], "tiktoken", "exec")


def test_a_program_without_a_page_is_tested_by_its_python_environment(tmp_path):
    profile = {"virtual_env": str(tmp_path)}
    assert component_tests([ELF, HEALTH], profile) == [ELF, HEALTH]
    assert component_tests([ELF], {}) == [ELF]
    elf, environment = component_tests([ELF], profile)
    assert elf == ELF
    assert environment["entrypoint"] == [f"{tmp_path}/bin/python"]
    assert environment["network"] == "none"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)

    def run(python):
        return subprocess.run([python, *environment["command"]], capture_output=True, text=True, check=False)

    assert "has no packages" in run(environment["entrypoint"][0]).stderr
    packages = next(tmp_path.glob("lib/python3*/site-packages"))
    (packages / "agent-1.dist-info").mkdir()
    (packages / "agent-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: agent\nVersion: 1\n")
    found = run(environment["entrypoint"][0])
    assert (found.returncode, found.stdout) == (0, f"1 packages in {tmp_path}\n")
    assert "is no virtual environment" in run(f"{sys.base_prefix}/bin/python3").stderr
