# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of Molecule, which `tools/check tests` runs beside the tests that need nothing of the machine."""

from __future__ import annotations

import os
from pathlib import Path


def test_a_host_of_this_machine_s_own_architecture():
    status = Path(os.environ["IMAGEFLEET_MOLECULE_STATUS"])
    log = status.with_name("molecule.log").read_text()
    assert status.read_text() == "passed\n", log[-8000:]
