# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs has read the settings that a run left before which was killed."""

from __future__ import annotations

import pytest

SETTINGS = {
    # nginx changes its state when it is reloaded, and goes on.
    "imagefleet-registry-front": ("StateChangeTimestamp", "/etc/imagefleet/registry/nginx.conf"),
    "docker-registry": ("ExecMainStartTimestamp", "/etc/docker/registry/config.yml"),
    "imagefleet-registry-cache@upstream.test": (
        "ExecMainStartTimestamp",
        "/etc/imagefleet/registry/cache-upstream.test.yml",
    ),
}


@pytest.mark.parametrize("unit", SETTINGS)
def test_nothing_runs_with_older_settings(host, unit):
    moment, file = SETTINGS[unit]
    since = host.check_output(f"systemctl show --timestamp=us+utc --property={moment} --value {unit}")
    assert since
    assert host.check_output(f"find {file} -newermt '{since}'") == ""
