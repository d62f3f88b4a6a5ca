# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode against the run, over generated states: the warm runner, the snapshot, and how many states are tried."""

from __future__ import annotations

import functools
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from support import machine_snapshot
from support.prediction import hold_against_run

#: Where modules and roles write. Whole-machine snapshots, from the root, are taken around playbooks.
PLACES = ("/etc", "/run", "/usr/local", "/var/lib/imagefleet", "/var/lib/docker-registry", "/root/.docker", "/srv")

#: What builds and pushes of others change.
SHARED = ("/var/lib/docker-registry", "/root/.docker/buildx")

# A host is provisioned three times for each of its drifts.
collect_ignore = [] if os.environ.get("IMAGEFLEET_STATES") else ["test_host_drifts.py"]

settings.register_profile(
    "states",
    deadline=None,
    derandomize=not os.environ.get("IMAGEFLEET_STATES"),
    max_examples=int(os.environ.get("IMAGEFLEET_STATES", "2")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    # A state is small as it is, and trying it takes seconds: it is shown as it was found.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    database=None,
)
settings.load_profile("states")


@pytest.fixture
def places():
    """Where the tests of a file work besides."""
    return []


@pytest.fixture
def snapshot(tmp_path, places):
    """Takes the snapshot of the machine's places (its registry's data among them) and of the test's own folders."""

    # Where somebody else works with the same engine and registry, only the rest can be compared.
    shared = os.environ.get("IMAGEFLEET_SHARED_ENGINE")

    def take():
        seen = machine_snapshot.take([*PLACES, tmp_path, *places], leave_out=SHARED if shared else [])
        return {section: seen[section] for section in seen if not (shared and section in machine_snapshot.OF_ENGINE)}

    return take


@pytest.fixture
def truth(modules, snapshot):
    """``truth(module, **args)``: check mode, run and check mode again, held against each other."""
    return functools.partial(hold_against_run, modules, snapshot)
