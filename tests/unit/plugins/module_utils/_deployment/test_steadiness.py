# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.steadiness import find_unsteady

NOW = datetime(2026, 11, 27, 11, 11, 40)
LONG_AGO, JUST_NOW = "2026-11-27T11:00:00.123456789Z", "2026-11-27T11:11:38.606123456Z"


def container(running=True, started=LONG_AGO, exit_code=0, restarting=False, restarts=0, policy="always", health=None):
    return {
        "Name": "/dify-redis-1",
        "RestartCount": restarts,
        "State": {
            "Running": running,
            "Restarting": restarting,
            "ExitCode": exit_code,
            "StartedAt": started,
            **({"Health": {"Status": health}} if health else {}),
        },
        "Config": {"Labels": {"com.docker.compose.service": "redis"}},
        "HostConfig": {"RestartPolicy": {"Name": policy}},
    }


@pytest.mark.parametrize(
    "found, messages",
    [
        pytest.param(container(), [], id="up-for-long"),
        pytest.param(container(started=JUST_NOW), ["redis has been up for 2 s"], id="up-for-too-short"),
        pytest.param(container(started=JUST_NOW, health="healthy"), [], id="its-health-is-looked-at"),
        pytest.param(
            container(started=JUST_NOW, health="healthy", restarts=3),
            ["redis has been up for 2 s, and was started again 3 times"],
            id="its-health-is-looked-at-and-it-ends",
        ),
        pytest.param(
            container(restarting=True, exit_code=1, restarts=9),
            ["redis ended with status 1, and was started again 9 times"],
            id="between-two-starts",
        ),
        pytest.param(container(running=False, exit_code=137), ["redis ended with status 137"], id="ended"),
        pytest.param(
            container(running=False), ["redis ended with status 0"], id="ended-although-it-is-to-be-always-there"
        ),
        pytest.param(container(running=False, policy="no"), [], id="job-that-is-done"),
        pytest.param(
            container(running=False, policy="no", exit_code=1), ["redis ended with status 1"], id="job-that-failed"
        ),
        pytest.param(container(restarts=2), [], id="up-for-long-after-some-starts"),
    ],
)
def test_find_unsteady(found, messages):
    assert [each.message for each in find_unsteady([found], NOW, seconds=5)] == messages
