# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom an engine trusts after a run, by the role's own variables and template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROLE = Path(__file__).resolve().parents[3] / "roles" / "build_host"
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "vars_files": [f"{ROLE}/vars/main.yml"],
    "tasks": [
        {
            "ansible.builtin.template": {
                "src": f"{ROLE}/templates/daemon.json.j2",
                "dest": "{{ folder }}/daemon.json",
                "mode": "0600",
            },
            "vars": {
                "__build_host_daemon_current": "{{ current }}",
                "__build_host_before": {
                    "disk": {"total": 10**11},
                    "files": {"/etc/docker/imagefleet-registries": "{{ owned }}"},
                },
            },
        }
    ],
}
INSECURE = {"insecure-registries": ["old"], "registry-mirrors": ["https://old"], "debug": True}
# Entries of registries, daemon.json as it is, whether its lists were decided here before; and the lists that it gets.
HOSTS = {
    "others": ([], INSECURE, False, ["old"], ["https://old"]),
    "emptied": ([], INSECURE, True, [], []),
    "with-ca": ([{"host": "old", "ca": "/ca.pem"}], INSECURE, False, [], []),
    "another": ([{"host": "new", "http": True}], INSECURE, False, ["new"], []),
    "none": ([{"host": "old", "ca": "/ca.pem"}], {"debug": True}, True, None, None),
}


@pytest.fixture(scope="module")
def written(write_for):
    """``written(host, file)``: the engine's settings there."""
    hosts = {
        host: {"build_host_registries": registries, "current": current, "owned": owned, "build_host_daemon_config": {}}
        for host, (registries, current, owned, *_lists) in HOSTS.items()
    }
    return write_for(hosts, PLAY)


@pytest.mark.parametrize("host", HOSTS)
def test_lists_follow_the_registries(written, host):
    settings = json.loads(written(host, "daemon.json"))
    assert [settings.get("insecure-registries"), settings.get("registry-mirrors")] == list(HOSTS[host][3:])
    assert settings["debug"] is True
