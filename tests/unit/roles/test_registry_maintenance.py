# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry's timers run: the commands of a collection, what a backup copies in which order, and what it removes."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
from argparse import Namespace
from pathlib import Path, PurePath

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles/registry/files/maintenance.py"
OLD = "20260101T020000.000000Z"
YOUNG = "20260102T020000.000000Z"
COMPOSE = ["docker", "compose", "--file=/folder/compose.yml"]
ROOT = Path("docker/registry/v2")
#: The files of an image in the order in which a push writes them. A link refers to what is before it.
PUSHED = (
    "blobs/layer{}/data",
    "repositories/one/_layers/{}/link",
    "blobs/manifest{}/data",
    "repositories/one/_manifests/revisions/{}/link",
    "repositories/one/_manifests/tags/{}/link",
)


@pytest.fixture
def maintenance(monkeypatch):
    spec = importlib.util.spec_from_file_location("registry_maintenance", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Of the whole machine, which others use.
    monkeypatch.setattr(module.os, "sync", lambda: None)
    return module


@pytest.fixture
def ran(maintenance, monkeypatch):
    """The commands that were run. All end well, and print the number of a process that is none."""
    commands = []

    def run(command, **_options):
        commands.append(list(command))
        return subprocess.CompletedProcess(command, 0, "0", "")

    monkeypatch.setattr(maintenance.subprocess, "run", run)
    return commands


@pytest.mark.parametrize(
    "how, reload, collect",
    [
        pytest.param(
            {"user": "docker-registry", "front": "nginx-before-it"},
            ["systemctl", "reload", "nginx-before-it"],
            ["docker-registry", "garbage-collect", "config.yml"],
            id="services",
        ),
        # Not by a signal from the engine, which would leave it down after the next boot.
        pytest.param(
            {"compose": "/folder/compose.yml"},
            [*COMPOSE, "exec", "-T", "front", "nginx", "-c", "/folder/nginx.conf", "-s", "reload"],
            [*COMPOSE, "exec", "-T", "registry", "registry", "garbage-collect", "config.yml"],
            id="containers",
        ),
    ],
)
def test_nginx_reads_again_and_then_garbage_is_collected(maintenance, ran, tmp_path, how, reload, collect):
    read_only = tmp_path / "read-only"
    arguments = {"user": None, "front": None, "compose": None, **how}
    maintenance.collect_garbage(Namespace(configuration="config.yml", read_only=read_only, **arguments))
    # To the word: with --delete-untagged the images of indexes would go.
    assert ran[-2:] == [reload, collect]
    assert not read_only.exists()


@pytest.mark.parametrize(
    "there, left",
    [
        pytest.param([OLD, YOUNG], [YOUNG], id="the-oldest-goes"),
        pytest.param([YOUNG], [YOUNG], id="as-many-as-are-kept"),
        pytest.param([OLD, f"{YOUNG}.part"], [OLD], id="a-copy-that-was-not-finished"),
        pytest.param(
            [OLD, YOUNG, "lost+found", "0-others", "others.part", f"{OLD}-others"],
            [YOUNG, "lost+found", "0-others", "others.part", f"{OLD}-others"],
            id="folders-of-somebody-else",
        ),
        pytest.param(["0-others", "lost+found"], ["0-others", "lost+found"], id="only-those"),
    ],
)
def test_only_copies_are_counted_and_removed(maintenance, ran, tmp_path, there, left):
    directory = tmp_path / "copies"
    for name in there:
        (directory / name).mkdir(parents=True)
    files = {directory / name for name in ("notes", "notes.part")}
    for file in files:
        file.touch()
    done = maintenance.back_up(Namespace(storage=tmp_path / "images", directory=directory, keep=2))
    assert set(directory.iterdir()) == {*files, *(directory / name for name in left), Path(done["backup"])}
    assert done["removed"] == [str(directory / name) for name in there if name == OLD and name not in left]


@pytest.fixture
def back_up(maintenance, monkeypatch, tmp_path):
    """``back_up(rsync)``: the copy that is made of a storage by a function in rsync's place, which takes its command."""
    storage = tmp_path / "images"
    for folder in ("blobs", "repositories"):
        (storage / ROOT / folder).mkdir(parents=True)

    def run(rsync):
        monkeypatch.setattr(maintenance.subprocess, "run", lambda command, **_options: rsync(command))
        return Path(maintenance.back_up(Namespace(storage=storage, directory=tmp_path, keep=1))["backup"])

    return run


def test_a_copy_has_all_it_refers_to(back_up, tmp_path):
    numbers = itertools.count()

    def push():
        number = next(numbers)
        for name in PUSHED:
            file = tmp_path / "images" / ROOT / name.format(number)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def rsync_under_pushes(command):
        excluded = [word.partition("=")[2] for word in command if word.startswith("--exclude=")]

        def ignored(folder, names):
            push()
            return [name for name in names if any(PurePath(folder, name).match(pattern) for pattern in excluded)]

        shutil.copytree(*command[-2:], ignore=ignored, dirs_exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    push()
    copy = back_up(rsync_under_pushes)
    images = [[copy / ROOT / name.format(number) for name in PUSHED] for number in range(next(numbers))]
    assert all(file.exists() for file in images[0])
    links = [(file, image[:place]) for image in images for place, file in enumerate(image) if file.name == "link"]
    dangling = [file for file, before in links if file.exists() and not all(each.exists() for each in before)]
    assert dangling == []


@pytest.mark.parametrize(
    "folder, status, made",
    [
        pytest.param("repositories", 24, True, id="a-tag-goes-meanwhile"),
        pytest.param("blobs", 24, False, id="a-blob-goes-meanwhile"),
        pytest.param("repositories", 23, False, id="a-link-cannot-be-read"),
        pytest.param("blobs", 11, False, id="the-disk-is-full"),
    ],
)
def test_what_a_backup_ends_with(back_up, tmp_path, folder, status, made):
    (tmp_path / OLD).mkdir()

    def rsync(command):
        failed = f"/{folder}/" in command[-1]
        return subprocess.CompletedProcess(command, status if failed else 0, "", f"rsync: {folder} of all things")

    if made:
        assert back_up(rsync).is_dir()
    else:
        with pytest.raises(SystemExit, match=f"ended with status {status}: rsync: {folder} of all things"):
            back_up(rsync)
    assert (tmp_path / OLD).is_dir() is not made
