# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One at a time on this host: locks on files that vanish when they are released, also when their holder is killed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import ExitStack, contextmanager
from typing import Iterable, Iterator

_FOLDER = "/run/lock/imagefleet-dify"


@contextmanager
def file_locks(folder: str, names: Iterable[str]) -> Iterator[None]:
    """Hold an exclusive lock on each of ``names`` in ``folder``, taken in sorted order so that two holders never wait crosswise.

    The kernel releases the lock of a process that dies; the file that it leaves goes with the next lock in the folder.
    Waits for as long as somebody else holds one.
    """
    os.makedirs(folder, mode=0o755, exist_ok=True)
    _remove_abandoned(folder)
    with ExitStack() as stack:
        for name in sorted(set(names)):
            stack.enter_context(_lock(os.path.join(folder, f"{name}.lock")))
        yield


@contextmanager
def lock_on(thing: str, take: bool = True) -> Iterator[None]:
    """Hold something that is not to be changed twice at once: other runs on this host wait, whoever started them.

    :param thing: what it is, such as a path.
    :param take: False in check mode, which changes nothing and waits for nobody.
    """
    if not take:
        yield
        return
    name = hashlib.sha256(os.path.abspath(thing).encode("utf-8", "surrogateescape")).hexdigest()
    with file_locks(lock_folder(os.path.dirname(os.path.abspath(thing))), [name]):
        yield


def lock_folder(otherwise: str) -> str:
    """The folder for locks of this host, or another one for a user who may not write there."""
    return _FOLDER if os.access(os.path.dirname(_FOLDER), os.W_OK) else otherwise


@contextmanager
def _lock(path: str) -> Iterator[None]:
    descriptor = _acquire(path)
    try:
        yield
    finally:
        os.unlink(path)
        os.close(descriptor)


def _acquire(path: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        # The former holder removed the file between our open and our lock: the lock is on nothing.
        os.close(descriptor)


def _remove_abandoned(folder: str) -> None:
    """Remove the files of holders that were killed: their locks can be had at once."""
    for name in os.listdir(folder):
        if not name.endswith(".lock"):
            continue
        path = os.path.join(folder, name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
                os.unlink(path)
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            os.close(descriptor)
