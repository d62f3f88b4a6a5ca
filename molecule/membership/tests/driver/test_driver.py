# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another host drives, by an authority of its own: the one before gets no builds any more."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def driver() -> str:
    return "joining"


def test_its_builder_has_the_nodes(endpoints, address):
    assert endpoints == {name: f"tcp://{address(name)}:1234" for name in ("driving", "joining")}


def test_no_node_takes_the_one_before(running):
    assert running("driving") == 0
