# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host has left: what stays there is its engine, and what a later return is quick with."""

from __future__ import annotations

LEFT = "leaving"
UNITS = ("imagefleet-buildkitd", "imagefleet-buildkitd-port")


def test_the_builder_has_the_others(endpoints, address):
    assert endpoints == {name: f"tcp://{address(name)}:1234" for name in ("driving", "joining")}


def test_buildkit_is_gone_from_it_alone(host, name, listens):
    stays = name != LEFT
    for unit in UNITS:
        assert host.file(f"/etc/systemd/system/{unit}.service").exists == stays
        assert host.service(unit).is_running == stays
    assert listens(1234) == stays
    assert ("imagefleet_buildkitd" in host.check_output("nft list tables")) == stays


def test_its_engine_and_its_settings_stay(host):
    assert host.service("docker").is_running
    assert host.file("/etc/buildkit/buildkitd.toml").is_file
