# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit of a deployment reads ``state.json`` as the store writes it, and does not start during a migration."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.phases import plan_phase
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import ReleaseStore, State

TEMPLATE = Path(__file__).resolve().parents[3] / "roles/deployment/templates/unit.service.j2"


@pytest.mark.parametrize(
    ("phases", "starts"),
    [
        pytest.param([], True, id="nothing-under-way"),
        pytest.param(["stopped"], False, id="nobody-writes"),
        pytest.param(["stopped", "migrating"], False, id="migrating"),
        pytest.param(["stopped", "migrating", "starting"], True, id="migrated"),
        pytest.param(["starting"], True, id="starting-without-a-migration"),
        pytest.param(["stopped", "migrating", "starting", "active"], True, id="active"),
    ],
)
def test_condition(phases, starts, tmp_path):
    state = State("1.0-a", "0.9-b", None)
    for phase in phases:
        state = plan_phase(state, "1.1-c", phase, same_schema=())
    store = ReleaseStore(str(tmp_path))
    Path(store.project).mkdir()
    store.write_state(state)
    (condition,) = [line for line in TEMPLATE.read_text().splitlines() if line.startswith("ExecStartPre=")]
    command = shlex.split(condition.partition("=")[2])
    assert (subprocess.run(command, cwd=store.project, check=False).returncode == 0) is starts
