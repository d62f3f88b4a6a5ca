# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For whom the port of a node is open, by the roles' own variables and template."""

from __future__ import annotations

import json
import subprocess
import sys
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
def rules(tmp_path_factory, playbook_environment):
    """``rules(host)``: what nftables is told there."""
    folder = tmp_path_factory.mktemp("port")
    hosts = {}
    for name, (clients, _open) in OPEN.items():
        (folder / name).mkdir()
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts[name] = {**local, "folder": str(folder / name), "build_host_node_clients": clients}
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "play.yml").write_text(json.dumps([PLAY]))
    command = ["ansible-playbook", "-i", str(folder / "inventory.json"), str(folder / "play.yml")]
    done = subprocess.run(command, env=playbook_environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return lambda host: (folder / host / "port.nft").read_text()


@pytest.mark.parametrize("host", OPEN)
def test_who_gets_through(rules, host):
    written = [line.strip() for line in rules(host).splitlines() if "tcp dport 1234" in line]
    through = [f"{who} tcp dport 1234 accept" for who in OPEN[host][1]]
    assert written == (['iifname "lo" tcp dport 1234 accept', *through, "tcp dport 1234 drop"] if through else [])
