# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit is gone, and what runs was left alone."""

from __future__ import annotations


def test_the_unit_is_gone(host):
    assert "dify-" not in host.check_output("systemctl list-unit-files --no-legend")


def test_the_deployment_runs(version, containers):
    assert version == "0.15.90"
    assert {container["State"]["Status"] for container in containers.values()} == {"running"}
