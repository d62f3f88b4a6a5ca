# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet is one of engines, reached by ssh, and the host that left is a node again."""

from __future__ import annotations

import re


def test_nodes_are_reached_by_ssh(endpoints, address):
    assert endpoints == {name: f"ssh://root@{address(name)}:22" for name in ("driving", "leaving", "joining")}


def test_it_lets_in_the_host_that_drives_and_none_that_did(host):
    assert re.findall(" builds from (.*)$", host.file("/root/.ssh/authorized_keys").content_string, re.MULTILINE) == [
        "driving"
    ]


def test_the_service_is_gone(host, name, listens):
    assert not host.file("/etc/systemd/system/imagefleet-buildkitd.service").exists
    assert not listens(1234)
    assert host.check_output("docker ps --format '{{.Names}}'") == f"buildx_buildkit_{name}"
