# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that `make test` ran on this machine already: another run finds nothing to do, in check mode too."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request

import pytest

from support.small_source import SmallSource, build_variables

INVENTORY = ("-i", "examples/inventory.yml")


def recap(output):
    """The counts of the closing line for localhost."""
    line = re.findall(r"^localhost\s+: (.*)$", output, re.MULTILINE)[-1]
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line)}


@pytest.mark.parametrize("mode", [pytest.param((), id="run"), pytest.param(("--check", "--diff"), id="check")])
@pytest.mark.parametrize("playbook", ["provision", "registry", "upkeep"])
def test_another_run_changes_nothing(run_playbook, playbook, mode):
    counts = recap(run_playbook(f"playbooks/{playbook}.yml", *INVENTORY, *mode))
    assert (counts["changed"], counts["failed"]) == (0, 0)
    assert counts["ok"] > 5


@pytest.mark.parametrize(
    "variables, words",
    [
        pytest.param({"build_host_memory_minimum": 10**9}, ["MB of memory", "1000000000 MB"], id="memory-too-small"),
        pytest.param(
            {"build_host_engine_minimum": "999.0"}, ["The engine of localhost is", "999.0"], id="engine-too-old"
        ),
        pytest.param({"build_host_engine_source": "snap"}, ["docker, distribution", "snap"], id="source-unknown"),
        pytest.param({"build_host_platforms": ["linux/vax"]}, ["linux/vax"], id="platform-unknown"),
    ],
)
def test_a_host_that_does_not_fit_is_refused_with_numbers(playbook_environment, repository_root, variables, words):
    command = ["ansible-playbook", *INVENTORY, "playbooks/provision.yml", "--check"]
    command += [f"--extra-vars={{{', '.join(f'{name}: {value}' for name, value in variables.items())}}}"]
    result = subprocess.run(
        command, env=playbook_environment, cwd=repository_root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert [word for word in words if word not in result.stdout + result.stderr] == []
    assert "Traceback" not in result.stdout + result.stderr


def test_hosts_are_those_of_the_group_and_localhost_without_one(playbook_environment, repository_root, tmp_path):
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("build_hosts: {hosts: {one.example: , two.example: }}\n")

    def hosts(*options, playbook="provision"):
        command = ["ansible-playbook", *options, f"playbooks/{playbook}.yml", "--list-hosts"]
        shown = subprocess.run(
            command, env=playbook_environment, cwd=repository_root, capture_output=True, text=True, check=True
        )
        return sorted(re.findall(r"^ {6}(\S+)$", shown.stdout, re.MULTILINE))

    assert hosts("-i", str(inventory)) == ["one.example", "two.example"]
    assert hosts("-i", os.devnull) == ["localhost"]
    driver = tmp_path / "driver.yml"
    driver.write_text("build_driver: {hosts: {drives.example: }}\n")
    assert hosts("-i", str(inventory), playbook="prune") == ["one.example"]
    assert hosts("-i", str(inventory), "-i", str(driver), playbook="prune") == ["drives.example"]


def test_upkeep_reports_and_then_stops_where_there_are_problems(playbook_environment, repository_root, tmp_path):
    registry = {"host": "localhost:1", "http": True}
    create = [
        "docker",
        "buildx",
        "create",
        "--driver",
        "remote",
        "--name",
        "away",
        "--node",
        "nobody",
        "tcp://localhost:1",
    ]
    buildx_config = str(tmp_path / "buildx")
    subprocess.run(create, env={**os.environ, "BUILDX_CONFIG": buildx_config}, check=True, capture_output=True)
    variables = {
        "build_host_builder_driver": "remote",
        "upkeep_builder": "away",
        "upkeep_buildx_config": buildx_config,
        "upkeep_min_free": 900000,
        "upkeep_emulator_minimum": "99.0",
        "upkeep_registries": [registry],
        "upkeep_drift": False,
        "upkeep_report_dir": str(tmp_path / "report"),
    }
    command = ["ansible-playbook", *INVENTORY, "playbooks/upkeep.yml", "--extra-vars", json.dumps(variables)]
    result = subprocess.run(
        command, env=playbook_environment, cwd=repository_root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2, result.stdout
    report = json.loads((tmp_path / "report/upkeep-localhost.json").read_text())
    words = [
        "(min_free)",
        "is older than 99.0 (upkeep_emulator_minimum)",
        "localhost:1 cannot be reached",
        "Node nobody (tcp://localhost:1) does not answer",
    ]
    assert [(node["name"], node["cache"]) for node in report["nodes"]] == [("nobody", None)]
    assert [word for word in words if word not in " ".join(report["problems"])] == []
    assert [word for word in words if word not in result.stdout] == []
    assert {platform["platform"] for platform in report["platforms"]} >= {"linux/amd64", "linux/arm64"}


def test_prune_keeps_what_is_promoted_to_another_namespace(run_playbook, modules, registry, prefix, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {registry}/bases/busybox:latest\n")
    repository = f"{registry}/{prefix}/staging/dify-api"
    images = [{"name": name, "labels": {"name": name}} for name in ("one", "two")]
    built = modules.run(
        "image_build", images=images, repository=repository, context=str(tmp_path), platforms=["linux/amd64"]
    )
    promoted, other = (image["reference"] for image in built["images"])
    target = f"{registry}/{prefix}/dify-api"
    tags = ["1", "keep-gone-dify-1"]
    assert not modules.run("image_promote", reference=promoted, target_repository=target, tags=tags).get("failed")
    variables = {
        "images_registry": registry,
        "images_namespace": prefix,
        "images_staging_namespace": f"{prefix}/staging",
        "images_components": ["api"],
        "images_prune_max_age": "0d",
        "images_prune_keep": 0,
        "images_prune_untag": ["keep-gone-.*"],
    }
    options = (*INVENTORY, f"--extra-vars={json.dumps(variables)}")
    for mode, changed, stays in (("--check", 2, True), ("--diff", 2, False), ("--diff", 0, False)):
        output = run_playbook("playbooks/prune.yml", *options, mode)
        assert recap(output)["changed"] == changed
        found = [modules.run("image_info", reference=reference)["exists"] for reference in (promoted, other)]
        assert found == [True, stays]
    with urllib.request.urlopen(f"http://{registry}/v2/{prefix}/dify-api/tags/list", timeout=10) as answer:
        assert json.load(answer)["tags"] == ["1"]


def test_build_keeps_its_steps_in_the_registry(run_playbook, registry, prefix, tmp_path):
    source = SmallSource(tmp_path / "source", f"{registry}/bases/busybox:latest")
    source.change("one")
    variables = {
        **build_variables(source, registry, tmp_path, prefix),
        "images_platforms": ["linux/amd64"],
        "images_registry_cache": True,
    }
    run_playbook("playbooks/build.yml", *INVENTORY, f"--extra-vars={json.dumps(variables)}")
    with urllib.request.urlopen(f"http://{registry}/v2/{prefix}/dify-api/tags/list", timeout=10) as answer:
        assert "cache-upstream-linux-amd64" in json.load(answer)["tags"]
