# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is no longer asked for is gone, and the images are still there."""

from __future__ import annotations

import json
import urllib.request


def test_the_registry_answers_without_nginx(where):
    with urllib.request.urlopen(f"http://{where}:5000/v2/copied/tags/list", timeout=30) as answer:
        assert json.load(answer)["tags"] == ["one"]


def test_nothing_else_runs_or_starts_at_boot(host):
    listening = {line.split()[3].rpartition(":")[2] for line in host.check_output("ss -Hltn").splitlines()}
    assert listening == {"5000"}
    units = host.check_output("systemctl list-units --all --plain --no-legend 'imagefleet-registry*'")
    assert [line for line in units.splitlines() if " active " in line] == []
    enabled = host.check_output("systemctl list-unit-files --no-legend --state=enabled")
    assert "imagefleet-registry" not in enabled
    assert host.check_output("systemctl is-system-running") == "running"


def test_what_a_cache_has_kept_is_still_there(host):
    assert host.check_output("find /var/lib/imagefleet-registry/upstream.test -name data | head -1")
