# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers have taken the place of services, with the images that were there."""

from __future__ import annotations

import json

UNITS = ("docker-registry", "imagefleet-registry-front", "imagefleet-registry-cache@upstream.test")


def test_containers_run_and_start_again_at_boot(host):
    names = host.check_output("docker ps --quiet --filter label=com.docker.compose.project=imagefleet-registry").split()
    found = json.loads(host.check_output(f"docker inspect {' '.join(names)}"))
    services = {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}
    assert set(services) == {"registry", "front", "cache-upstream.test"}
    assert {each["HostConfig"]["RestartPolicy"]["Name"] for each in found} == {"unless-stopped"}
    user = host.check_output("id --user docker-registry")
    assert {services[name]["Config"]["User"].split(":")[0] for name in ("registry", "cache-upstream.test")} == {user}


def test_no_service_runs_beside_them(host):
    for unit in UNITS:
        assert not host.service(unit).is_running
        assert host.run(f"systemctl is-enabled {unit}").stdout.strip() != "enabled"


def test_images_from_before_are_there(ask):
    assert json.loads(ask("GET", "/v2/backup/tags/list", "dify").body)["tags"]
