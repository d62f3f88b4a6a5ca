# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable of every role with values that it was not made for, in check mode, one host for each case."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml

from support.bad_values import HOSTILE_TEXTS, TRACE, bad_values, options_of, with_value, write_table
from support.small_source import LOCAL
from support.task_results import read_results, recording_to

ROLES = ("apt_packages", "build_host", "buildkitd", "deployment", "images", "registry", "upkeep")
ALL = "IMAGEFLEET_ALL_INPUTS" in os.environ
#: What a role is given besides, so that it gets as far as reading the bad variable.
GOOD = {
    "apt_packages": {"apt_packages_names": ["hello"]},
    "build_host": {
        "build_host_engine_source": "distribution",
        "build_host_builder_driver": "docker",
        "build_host_builder_name": "default",
    },
    "buildkitd": {"buildkitd_authority_host": "localhost"},
    "deployment": {"deployment_version": "1.0", "deployment_min_disk": 0, "deployment_min_memory": 0},
    "images": {"images_version": "1.0", "images_builder": "default"},
    "registry": {"registry_source": "package"},
    "upkeep": {"upkeep_drift": False, "upkeep_stop": False},
}


def specification(root, role):
    document = yaml.safe_load((root / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return document["argument_specs"]["main"]["options"]


def cases(role, spec):
    """Wrong types for every variable, and when all is asked for a hostile text in turn. A NUL cannot be in YAML."""
    turn = ROLES.index(role)
    for path, option in options_of(spec):
        for case, value in bad_values(option):
            hostile = case.rpartition(": ")[2] in HOSTILE_TEXTS or case == "a nested value"
            turn += hostile
            if "NUL" not in case and "template" not in case and (not hostile or (ALL and turn % 7 == 0)):
                yield path, case, value


@pytest.fixture
def run_cases(playbook_environment, repository_root, tmp_path, modules, source):
    """Run the role once with a host for each case; for each case its first failure, or None."""

    def run(role, given):
        own = {
            "images_source_dest": str(tmp_path / "dest"),
            "images_source": {"repo": str(source.folder), "ref": "main"},
            "images_registry": "localhost:1",
            "images_components": ["api"],
            "deployment_source": {"repo": str(source.folder), "ref": "main"},
            "deployment_source_dest": str(tmp_path / "checkout"),
            "deployment_dir": str(tmp_path / "dify"),
        }
        base = {**GOOD[role], **{name: value for name, value in own.items() if name.startswith(f"{role}_")}}
        spec = specification(repository_root, role)
        hosts = {
            f"case{number}": with_value(base, spec, path, value) for number, (path, _case, value) in enumerate(given)
        }
        (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": {**LOCAL, **own}}}))
        if role in ("deployment", "images"):
            # Checked out for real, so that check mode gets as far as the images.
            source.change("page")
            dest = own["images_source_dest" if role == "images" else "deployment_source_dest"]
            modules.run("source_checkout", repo=str(source.folder), ref="main", dest=dest)
        results = tmp_path / "results"
        environment = {
            **playbook_environment,
            **recording_to(results),
            "ANSIBLE_PIPELINING": "1",
        }
        variables = {
            "tested_role": role,
            "with_facts": ALL or role in ("build_host", "buildkitd", "registry", "upkeep"),
        }
        command = ["ansible-playbook", "-i", str(tmp_path / "inventory.json"), "--check", "--forks", "4"]
        done = subprocess.run(
            [*command, "tests/faults/role.yml", "--extra-vars", json.dumps(variables)],
            cwd=repository_root, env=environment, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
        lines = read_results(results)
        failures = {line["host"]: line["result"] for line in reversed(lines) if line["status"] == "failed"}
        return [failures.get(f"case{number}") for number in range(len(hosts))]

    return run


@pytest.mark.parametrize("role", ROLES)
def test_every_variable(run_cases, repository_root, role):
    # Every second one, as the role runs for each: minutes. `make faults` has all.
    given = list(cases(role, specification(repository_root, role)))[:: 1 if ALL else 2]
    rows, faults = [], []
    for (path, case, value), failure in zip(given, run_cases(role, given)):
        message = message_of(failure)
        name = ".".join(path)
        rows.append(f"{role}\t{name}\t{case}\t{'refused' if failure else 'taken'}\t{message!r}")
        if failure and not is_about(message, path, value):
            faults.append(f"{name}, {case}: the message names neither variable nor value: {message[:400]}")
    write_table(rows)
    assert not TRACE.exists(), "a hostile text was carried out"
    assert faults == [], "\n".join(faults)


def message_of(failure):
    if not failure:
        return ""
    parts = [failure, *failure.get("results", [])]
    texts = [str(part.get(key)) for part in parts for key in ("msg", "argument_errors", "stderr") if part.get(key)]
    return "\n".join(texts)


def is_about(message, path, value):
    if "is not iterable" in message:
        # What ansible-core itself says where a number or list is given for a dictionary with keys of its own.
        return True
    # A module names its own option: nodes for build_host_builder_nodes, and a platform for images_platforms.
    words = [
        path[-1],
        path[0].partition("_")[2],
        path[0].rpartition("_")[2].rstrip("s"),
        *(repr(text)[1:-1] for text in texts(value)),
    ]
    return any(word and word in message for word in words) or any(text and text in message for text in texts(value))


def texts(value):
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return ["''" if value is None else str(value)]
