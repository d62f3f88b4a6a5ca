# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of that which `tools/check everything` makes beside the tests that need nothing of the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

DEADLINE_SECONDS = 1500


@pytest.mark.parametrize("name", ["bases", "molecule"])
def test_beside(name):
    status = Path(os.environ["IMAGEFLEET_BESIDE"]) / name
    end = time.monotonic() + DEADLINE_SECONDS
    while not status.exists() and time.monotonic() < end:
        time.sleep(1)
    log = status.with_suffix(".log").read_text()
    assert (status.exists() and status.read_text()) == "passed\n", log[-8000:]
