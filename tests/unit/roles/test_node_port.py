# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For whom the port of a node is open, by the roles' own variables and template."""

from __future__ import annotations

from pathlib import Path

import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"
FACTS = {"interfaces": ["eth0"], "eth0": {"type": "ether", "ipv4": {"address": "192.0.2.1"}, "ipv6": []}}
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "vars_files": [f"{ROLES}/build_host/vars/main.yml", f"{ROLES}/buildkitd/defaults/main.yml"],
    "tasks": [
        {
            "ansible.builtin.template": {
                "src": f"{ROLES}/buildkitd/templates/port.nft.j2",
                "dest": "{{ folder }}/port.nft",
                "mode": "0600",
            },
            # As the role gives them to the other one.
            "vars": {"__build_host_driver_facts": FACTS, "buildkitd_clients": "{{ __build_host_clients }}"},
        }
    ],
}
OPEN = {
    "driving": ([], ["ip saddr 192.0.2.1"]),
    "anybody": (["any"], []),
    "named": (["198.51.100.0/24", "2001:db8::7"], ["ip saddr 198.51.100.0/24", "ip6 saddr 2001:db8::7"]),
}


@pytest.fixture(scope="module")
def written(write_for):
    """``written(host, file)``: what nftables is told there."""
    return write_for({host: {"build_host_node_clients": clients} for host, (clients, _open) in OPEN.items()}, PLAY)


@pytest.mark.parametrize("host", OPEN)
def test_who_gets_through(written, host):
    rules = [line.strip() for line in written(host, "port.nft").splitlines() if "tcp dport 1234" in line]
    through = [f"{who} tcp dport 1234 accept" for who in OPEN[host][1]]
    assert rules == (['iifname "lo" tcp dport 1234 accept', *through, "tcp dport 1234 drop"] if through else [])
