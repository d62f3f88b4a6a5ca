# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process something belongs to, written on it as text, so that a later run can tell whether that process has ended."""

from __future__ import annotations

import os


def this_process() -> str:
    """This process as ``BOOT:NAMESPACE:PID:START``, which no other process has had or will have.

    The kernel's boot id, the namespace of process ids, the id in it, and its start in clock ticks since boot.
    """
    pid = os.getpid()
    return f"{_boot()}:{_namespace()}:{pid}:{_start(pid)}"


def has_ended(owner: str) -> bool | None:
    """Whether the process of :func:`this_process`'s text is gone; None when that cannot be seen from here.

    It cannot for a process of another host, another namespace, or of the time before the last boot.
    """
    boot, _colon, rest = owner.partition(":")
    namespace, _colon, rest = rest.partition(":")
    pid, _colon, start = rest.partition(":")
    if not pid.isdigit() or (boot, namespace) != (_boot(), _namespace()):
        return None
    return _start(int(pid)) != start


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _namespace() -> str:
    return str(os.stat("/proc/self/ns/pid").st_ino)


def _start(pid: int) -> str | None:
    """Field 22 of ``/proc/PID/stat``, see proc(5); None when there is no such process, or only its zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
