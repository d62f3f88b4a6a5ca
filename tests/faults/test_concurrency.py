# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same inputs built twice at once: on one host, where one waits, and on two, where both build and one wins."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest

from support.module_runner import ModuleRunner

ANOTHER_HOST = (
    "unshare", "--uts", "--mount", "--propagation", "private", "sh", "-c",
    'hostname another-host && mount -t tmpfs none /run/lock && exec "$@"', "sh",
)  # fmt: skip


@pytest.fixture
def arguments(content, registry, prefix, tmp_path):
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text(
        f'FROM {registry}/bases/busybox:latest\nRUN ["/bin/busybox", "sh", "-c", "sleep 3; date +%N > /{prefix}"]\n'
    )
    image = {"name": "page", "repository": f"{content.host}/{prefix}/page", "context": str(tmp_path / "context")}
    return {"images": [{**image, "platforms": ["linux/amd64"]}]}


def at_once(runners, arguments, module="image_build"):
    results = {}

    def build(name, runner):
        results[name] = runner.run(module, **arguments)

    threads = [threading.Thread(target=build, args=item) for item in runners.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(results) == sorted(runners), "one did not end"
    assert [result["msg"] for result in results.values() if result.get("failed")] == []
    return results


@pytest.fixture
def runners(request):
    made = {name: ModuleRunner(command) for name, command in request.param.items()}
    yield made
    for runner in made.values():
        runner.close()


@pytest.mark.parametrize("runners", [{"one": (), "two": (), "three": ()}], indirect=True, ids=["three"])
def test_on_one_host_one_builds_and_the_others_wait(runners, arguments, content, prefix):
    results = at_once(runners, arguments)
    assert sorted(result["changed"] for result in results.values()) == [False, False, True]
    assert sorted(result["images"][0]["built"] for result in results.values()) == [False, False, True]
    assert len({result["images"][0]["digest"] for result in results.values()}) == 1
    assert content.faults(f"{prefix}/page", ["linux/amd64"]) == []


@pytest.mark.parametrize("runners", [{"one": (), "two": ANOTHER_HOST}], indirect=True, ids=["two"])
def test_on_two_hosts_both_build_and_the_first_tag_wins(runners, arguments, content, prefix):
    """A registry cannot swap. Where both put in the same millisecond, each may read its own before the other's arrives, and
    nobody can report the double build: that may happen once, and not three times in a row.
    """
    (image,) = arguments["images"]
    for attempt in "abc":
        repository = f"{prefix}/page-{attempt}"
        again = {**arguments, "images": [{**image, "repository": f"{content.host}/{repository}"}]}
        results = at_once(runners, again)
        platforms = [result["images"][0]["platforms"][0] for result in results.values()]
        assert [platform["built"] for platform in platforms] == [True, True]
        tags = content.tags(repository)
        pushed = [digest for tag, digest in tags.items() if tag.startswith("building-")]
        assert len(pushed) == 2, "each host pushes to a tag of its own"
        # What either returns is whole, and what the tag points at is one of them.
        returned = {result["images"][0]["digest"] for result in results.values()}
        assert {digest for tag, digest in tags.items() if tag.startswith("fp-")} & returned
        assert not runners["one"].run("image_build", **again)["changed"]
        assert content.faults(repository, ["linux/amd64"]) == []
        lost, reported = len(set(pushed)) - 1, sum(platform["double_build"] for platform in platforms)
        assert reported <= lost
        if reported == lost:
            return
    pytest.fail("a build was lost three times, and nobody reported it")


FOUR = {"one": (), "two": (), "three": (), "four": ()}


@pytest.mark.parametrize("runners", [FOUR], indirect=True, ids=["four"])
def test_one_authority_is_made_and_signs_for_all(runners, tmp_path):
    """As when two controllers provision a fleet that has none."""
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        files = {"path": "client.crt", "key": "client.key", "ca_path": "ca.crt", "ca_key": "ca.key"}
        arguments = {name: str(folder / file) for name, file in files.items()}
        results = at_once(runners, {**arguments, "names": ["driver.example.com"]}, "certificate")
        assert sorted(result["changed"] for result in results.values()) == [False, False, False, True]
        assert len({(result["ca_certificate"], result["certificate"]) for result in results.values()}) == 1
        command = ["openssl", "verify", "-CAfile", arguments["ca_path"], arguments["path"]]
        subprocess.run(command, check=True, capture_output=True)
        assert sorted(path.name for path in folder.iterdir()) == sorted(files.values())


@pytest.mark.parametrize("runners", [FOUR], indirect=True, ids=["four"])
def test_one_builder_is_made(runners, tmp_path, prefix):
    nodes = [{"name": f"node{number}", "endpoint": f"tcp://192.0.2.{number}:1234"} for number in range(1, 4)]
    arguments = {"name": prefix, "driver": "remote", "nodes": nodes, "buildx_config": str(tmp_path / "buildx")}
    results = at_once(runners, arguments, "buildx_builder")
    assert sorted(result["changed"] for result in results.values()) == [False, False, False, True]
    record = json.loads((tmp_path / "buildx" / "instances" / prefix).read_text())
    assert [node["Name"] for node in record["Nodes"]] == ["node1", "node2", "node3"]
