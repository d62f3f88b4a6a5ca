# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A third host has joined, and is a node as the others are."""

from __future__ import annotations

UNIT = "imagefleet-buildkitd"


def test_it_is_a_node(endpoints, address):
    hosts = ("driving", "leaving", "joining")
    assert endpoints == {name: f"tcp://{address(name)}:1234" for name in hosts}


def test_each_host_runs_buildkit(host):
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled
