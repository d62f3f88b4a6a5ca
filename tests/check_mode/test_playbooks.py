# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks in check mode: the whole machine before and after, and what the run then does, task by task."""

from __future__ import annotations

import os

import pytest

from support import machine_snapshot
from support.prediction import contradictions
from support.registry_content import RegistryContent
from support.small_source import SmallSource, build_variables, write_inventory
from support.task_results import read_results, recording_to

#: Where Ansible and the tests work while they look.
OWN_WORK = ("/tmp", "/root/.ansible", "/var/tmp")


@pytest.fixture
def places(plain_registry):
    return [plain_registry[1].parent.parent]


@pytest.fixture
def build(run_playbook, playbook_environment, plain_registry, registry, prefix, tmp_path, monkeypatch):
    """Run the build playbook for a small source; the results of our modules' tasks, in order."""
    source = SmallSource(tmp_path / "source", f"{registry}/bases/busybox:latest")
    source.change("the first")
    inventory = write_inventory(tmp_path / "inventory.json")
    results = tmp_path.parent / f"{tmp_path.name}-results"
    for name, value in recording_to(results).items():
        monkeypatch.setitem(playbook_environment, name, value)

    def run(*options, **extra):
        results.unlink(missing_ok=True)
        variables = {**build_variables(source, plain_registry[0], tmp_path, prefix), **extra}
        run_playbook("playbooks/build.yml", "-i", str(inventory), *options, **variables)
        return {
            line["task"]: line["result"] for line in read_results(results) if line["action"].startswith("imagefleet.")
        }

    run.source = source
    run.content = RegistryContent(*plain_registry)
    run.repository = f"{prefix}/dify-api"
    return run


def built(build):
    build()


def changed(build):
    build()
    build.source.change("another")


def platform_missing(build):
    build(images_platforms=["linux/amd64"])


def tag_missing(build):
    build(images_tags=["another"])


def tests_changed(build):
    build(images_smoke_tests={"api": [{"name": "its program", "elf": "auto"}]})


#: Each costs half a minute; the others are for `make faults`.
ARRANGED = [changed, platform_missing]
if os.environ.get("IMAGEFLEET_STATES"):
    ARRANGED += [built, tag_missing, tests_changed]


@pytest.mark.parametrize("arrange", ARRANGED, ids=lambda state: state.__name__)
def test_build(build, snapshot, arrange):
    arrange(build)
    before = snapshot()
    predicted = build("--check", "--diff")
    assert machine_snapshot.differences(before, snapshot()) == []
    actual = build()
    for task, result in predicted.items():
        # What is unknown, and what is to be done with images that are unknown: nothing was said of it.
        parts = [result, *result.get("results", [])]
        unknown_images = any("false_condition" in part for part in parts) and predicted[
            "imagefleet.dify.images : Build what is missing"
        ].get("unknown")
        if any(part.get("unknown") for part in parts) or result.get("results") == [] or unknown_images:
            continue
        assert list(contradictions(strip(result), strip(actual[task]))) == [], task
    if arrange is built:
        assert not any(result.get("changed") for result in actual.values())
    else:
        assert any(result.get("changed") for result in predicted.values())
    after = snapshot()
    again = build("--check", "--diff")
    assert not any(result.get("changed") for result in again.values())
    assert machine_snapshot.differences(after, snapshot()) == []


def strip(result):
    """Without what only Ansible has in it."""
    if isinstance(result, dict):
        return {key: strip(value) for key, value in result.items() if not key.startswith(("_ansible", "ansible_"))}
    return [strip(part) for part in result] if isinstance(result, list) else result


def test_nothing_is_there_yet(build, repository_root, tmp_path, registry):
    """The whole machine, from its root: check mode of a first run leaves it as it was, and says what it cannot know."""
    host = build.content.host

    def whole_machine():
        return machine_snapshot.take(["/", tmp_path], [registry, host], leave_out=[*OWN_WORK, repository_root])

    before = whole_machine()
    predicted = build("--check", "--diff")
    assert machine_snapshot.differences(before, whole_machine()) == []
    assert predicted["imagefleet.dify.images : Check out the source"]["changed"]
    unknown = predicted["imagefleet.dify.images : Build what is missing"]
    assert unknown["unknown"]
    assert unknown["msg"].startswith("unknown until source_checkout has run")
    assert build.content.tags(build.repository) == {}
