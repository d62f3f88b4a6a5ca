# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems and their room."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Disk:
    """A file system.

    :param path: what was asked for, or the folder above it that is there.
    :param total, free: in bytes; free is what anybody may still write.
    """

    path: str
    total: int
    free: int


def disk_of(path: str) -> Disk:
    """The file system that something is on, or will be once it is made."""
    there = os.path.abspath(path)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    usage = shutil.disk_usage(there)
    return Disk(there, usage.total, usage.free)
