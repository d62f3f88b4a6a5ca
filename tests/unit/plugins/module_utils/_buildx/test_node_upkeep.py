# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_upkeep import NodeUpkeep
from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.chain import Shown

NOW = datetime(2026, 3, 1, 12)
DAYS = 14


def certificate(**left):
    return Shown("CN=amd-1", "CN=fleet", (), NOW + timedelta(**left))


@pytest.mark.parametrize(
    "found, problems",
    [
        pytest.param({"cache": 10}, [], id="all-well"),
        pytest.param({"error": "refused"}, ["Node n (tcp://amd-1:1234) does not answer: refused"], id="silent"),
        pytest.param(
            {"cache": 10, "prunes": True, "error": "no space"},
            ["Node n (tcp://amd-1:1234) does not let go of its cache: no space"],
            id="keeps-what-is-to-go",
        ),
        pytest.param({"cache": 10, "certificates": (certificate(days=14),)}, [], id="long-enough"),
        pytest.param(
            {"cache": 10, "certificates": (certificate(days=13, hours=23),)},
            [
                "The certificate CN=amd-1 between Node n (tcp://amd-1:1234) and this host ends on 2026-03-15T11:00:00Z: "
                "the provision playbook renews it."
            ],
            id="soon",
        ),
        pytest.param(
            {"cache": 10, "certificates": (certificate(hours=-1),)},
            [
                "The certificate CN=amd-1 between Node n (tcp://amd-1:1234) and this host has ended on 2026-03-01T11:00:00Z: "
                "the provision playbook renews it."
            ],
            id="over",
        ),
    ],
)
def test_what_is_told(found, problems):
    assert NodeUpkeep("n", "tcp://amd-1:1234", **found).problems(NOW, DAYS) == problems
