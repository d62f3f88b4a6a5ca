# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.workspace import locked_folder, task_workspace


def work(task_folder, started):
    with task_workspace(task_folder, "image-build") as workspace:
        with open(f"{workspace}/password", "w") as file:
            file.write("hunter2")
        started.set()
        time.sleep(60)


@pytest.fixture
def task_folder(tmp_path):
    """As Ansible makes one for each task, side by side."""

    def make(name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "AnsiballZ_image_build.py").write_text("arguments")
        return str(tmp_path / name)

    return make


@pytest.fixture
def running(task_folder):
    """A run in another process, with its task's folder."""
    folder = task_folder("ansible-tmp-1")
    started = multiprocessing.Event()
    process = multiprocessing.Process(target=work, args=(folder, started))
    process.start()
    assert started.wait(5)
    yield process, folder
    process.kill()
    process.join()


def test_a_workspace_is_gone_after_its_run(task_folder, tmp_path):
    folder = task_folder("ansible-tmp-1")
    with task_workspace(folder, "image-build") as workspace:
        assert os.path.dirname(workspace) == folder
        assert os.stat(workspace).st_mode & 0o777 == 0o700
    assert not os.path.exists(workspace)
    assert os.path.exists(folder)


def test_a_running_one_is_left_alone(task_folder, running):
    with task_workspace(task_folder("ansible-tmp-2"), "image-build"):
        assert len(os.listdir(running[1])) == 2


@pytest.mark.parametrize(
    "name, rest", [("image-build", ["ansible-tmp-2"]), ("other", ["ansible-tmp-1", "ansible-tmp-2"])]
)
def test_what_a_killed_run_left_goes_with_its_task(task_folder, running, tmp_path, name, rest):
    process, _folder = running
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with task_workspace(task_folder("ansible-tmp-2"), name):
        assert sorted(os.listdir(tmp_path)) == rest


def test_a_folder_that_is_not_ansibles_stays(task_folder, tmp_path):
    (tmp_path / "mine" / "image-build-x").mkdir(parents=True)
    with task_workspace(task_folder("ansible-tmp-2"), "image-build"):
        assert os.listdir(tmp_path / "mine") == []


def test_many_at_once_get_folders_of_their_own(tmp_path):
    def make(results):
        for _time in range(50):
            with locked_folder(str(tmp_path), "x-") as folder:
                results.put(os.path.isdir(folder))

    results = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=make, args=(results,)) for _one in range(4)]
    for process in processes:
        process.start()
    assert all(results.get(timeout=20) for _one in range(200))
    for process in processes:
        process.join()
    assert os.listdir(tmp_path) == []


def test_a_locked_folder_clears_what_killed_ones_left_beside_it(running, tmp_path):
    process, folder = running
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (tmp_path / "ansible-tmp-1" / "image-other").mkdir()
    with locked_folder(folder, "image-build-") as fresh:
        assert sorted(os.listdir(folder)) == ["AnsiballZ_image_build.py", os.path.basename(fresh), "image-other"]
