# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All but one have left, the first of them while two were there. What is left has a builder of its own, and reaches nobody."""

from __future__ import annotations

DRIVING = "driving"


def test_the_builder_is_its_own(endpoints):
    assert list(endpoints) == ["own"]
    assert not endpoints["own"].startswith("ssh:")


def test_no_other_host_runs_buildkit(host, name):
    found = host.check_output("docker ps --all --format '{{.Names}}'")
    assert found == ("buildx_buildkit_own" if name == DRIVING else "")


def test_the_driving_hosts_key_is_let_in_no_longer(host, name, address):
    keys = host.file("/root/.ssh/authorized_keys").content_string
    assert (f"builds from {DRIVING}" in keys) == (name == DRIVING)
    if name == DRIVING:
        for other in ("leaving", "joining"):
            refused = host.run(f"ssh -o BatchMode=yes root@{address(other)} true")
            assert refused.rc == 255
            assert "Permission denied" in refused.stderr
