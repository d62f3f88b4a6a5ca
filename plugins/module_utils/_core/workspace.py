# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders for the time of one run, locked by it: what a killed run left is known by the lock that is gone, and removed."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import Iterator

#: What Ansible makes for one task and removes after it, unless it is killed.
_OF_ANSIBLE = ("ansible-tmp-", "ansible-moduletmp-")


@contextmanager
def task_workspace(task_folder: str, name: str) -> Iterator[str]:
    """A folder below the one that Ansible gives a task; the same of tasks that were killed go.

    With them goes the folder of their task, in which Ansible leaves the module and its arguments.

    :param task_folder: ``module.tmpdir``.
    :param name: of the module, the start of the folder's name.
    """
    beside = os.path.join(glob.escape(os.path.dirname(task_folder)), "*", f"{name}-*")
    for path in glob.glob(beside):
        parent = os.path.dirname(path)
        remove_abandoned(path, parent if os.path.basename(parent).startswith(_OF_ANSIBLE) else path)
    with locked_folder(task_folder, f"{name}-") as folder:
        yield folder


@contextmanager
def locked_folder(parent: str, prefix: str) -> Iterator[str]:
    """A new folder in ``parent``, locked while the block runs, and removed after it.

    Folders beside it with the same start of the name, which killed runs left, go first.
    """
    for left in glob.glob(os.path.join(glob.escape(parent), f"{prefix}*")):
        remove_abandoned(left)
    folder, descriptor = _make(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_abandoned(folder: str, whole: str | None = None) -> bool:
    """Remove a folder that :func:`locked_folder` made in a process that has ended. Whether it was removed.

    :param whole: what is removed in its place, such as the folder around it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        # Gone meanwhile, or another user's.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(whole or folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _make(parent: str, prefix: str) -> tuple[str, int]:
    """A new folder that has its name only once it is locked: no other run ever finds it without its lock."""
    making = tempfile.mkdtemp(prefix=f".{prefix}", dir=parent)
    descriptor = os.open(making, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = os.path.join(parent, os.path.basename(making)[1:])
    os.rename(making, folder)
    return folder, descriptor
