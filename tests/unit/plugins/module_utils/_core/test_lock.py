# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import signal
import time

from ansible_collections.imagefleet.dify.plugins.module_utils._core.lock import file_locks


def hold(folder, started, seconds):
    with file_locks(folder, ["a"]):
        started.set()
        time.sleep(seconds)


def test_the_second_waits_for_the_first(tmp_path):
    started = multiprocessing.Event()
    first = multiprocessing.Process(target=hold, args=(str(tmp_path), started, 0.5))
    first.start()
    assert started.wait(5)
    before = time.monotonic()
    with file_locks(str(tmp_path), ["a"]):
        assert time.monotonic() - before > 0.3
    first.join()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_does_not_block(tmp_path):
    started = multiprocessing.Event()
    first = multiprocessing.Process(target=hold, args=(str(tmp_path), started, 60))
    first.start()
    assert started.wait(5)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    with file_locks(str(tmp_path), ["a", "b"]):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.lock", "b.lock"]
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_killed_holder_goes_with_the_next_lock_of_another_name(tmp_path):
    started = multiprocessing.Event()
    first = multiprocessing.Process(target=hold, args=(str(tmp_path), started, 60))
    first.start()
    assert started.wait(5)
    with file_locks(str(tmp_path), ["b"]):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.lock", "b.lock"]
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    with file_locks(str(tmp_path), ["b"]):
        assert [path.name for path in tmp_path.iterdir()] == ["b.lock"]
