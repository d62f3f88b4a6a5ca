# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.owner import has_ended, this_process


def say(queue):
    queue.put(this_process())
    time.sleep(60)


@pytest.fixture
def other():
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=say, args=(queue,))
    process.start()
    yield process, queue.get(timeout=5)
    process.kill()
    process.join()


def test_this_process_runs():
    assert has_ended(this_process()) is False


def test_another_process_runs_until_it_is_killed(other):
    process, owner = other
    assert has_ended(owner) is False
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert has_ended(owner) is True


def test_a_killed_process_that_nobody_waited_for_has_ended(other):
    process, owner = other
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not has_ended(owner):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "position, value, ended",
    [
        pytest.param(0, "another-boot", None, id="before-the-last-boot"),
        pytest.param(1, "1", None, id="in-another-container"),
        pytest.param(2, "x", None, id="no-process-id"),
        pytest.param(3, "1", True, id="the-same-number-for-a-later-process"),
    ],
)
def test_an_owner_that_is_not_this_process(position, value, ended):
    parts = this_process().split(":")
    parts[position] = value
    assert has_ended(":".join(parts)) is ended


@pytest.mark.parametrize("text", ["", ":", "a:b:c", "::::"])
def test_what_is_no_owner_cannot_be_told(text):
    assert has_ended(text) is None
