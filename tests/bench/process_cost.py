# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program run to its end, with what it took of the machine."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence


@dataclass(frozen=True)
class Cost:
    """What a program took.

    :param seconds: from its start to its end.
    :param cpu_seconds: its own and those of all programs that it started and waited for.
    :param memory_mib: of the largest of these processes, at its highest; never less than this program's own when it started them,
        as the kernel counts what a process was before it became another program.
    """

    seconds: float
    cpu_seconds: float
    memory_mib: float


def cost_of(command: Sequence[str], output: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program, with what it prints in a file.

    :raises RuntimeError: it failed.
    """
    start = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment
        )
        _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} failed:\n{output.read_text(errors='replace')[-4000:]}")
    return Cost(
        round(time.monotonic() - start, 2), round(usage.ru_utime + usage.ru_stime, 2), round(usage.ru_maxrss / 1024, 1)
    )
