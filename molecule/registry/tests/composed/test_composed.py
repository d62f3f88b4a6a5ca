# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers have taken the place of services, with the images that were there."""

from __future__ import annotations

import json
import urllib.error

import pytest

UNITS = ("docker-registry", "imagefleet-registry-front", "imagefleet-registry-cache@upstream.test")


def test_containers_run_and_start_again_at_boot(host, caches):
    names = host.check_output("docker ps --quiet --filter label=com.docker.compose.project=imagefleet-registry").split()
    found = json.loads(host.check_output(f"docker inspect {' '.join(names)}"))
    services = {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}
    assert set(services) == {"registry", "front", *(f"cache-{cache}" for cache in caches)}
    assert {each["HostConfig"]["RestartPolicy"]["Name"] for each in found} == {"unless-stopped"}
    user = host.check_output("id --user docker-registry")
    assert {services[each]["Config"]["User"].split(":")[0] for each in ("registry", "cache-upstream.test")} == {user}


def test_nothing_runs_with_older_settings(host):
    settings = {
        "registry": "/etc/docker/registry/config.yml",
        "cache-upstream.test": "/etc/imagefleet/registry/cache-upstream.test.yml",
    }
    for service, file in settings.items():
        since = host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' imagefleet-registry-{service}-1")
        assert host.check_output(f"find {file} -newermt '{since}'") == ""


def test_no_service_runs_beside_them(host):
    for unit in UNITS:
        assert not host.service(unit).is_running
        assert host.run(f"systemctl is-enabled {unit}").stdout.strip() != "enabled"


def test_caches_answer_and_those_that_went_do_not(ask, caches, gone_caches):
    for port in caches.values():
        assert ask("GET", "/v2/_catalog", "dify", port=port).status == 200
    for port in gone_caches.values():
        with pytest.raises(urllib.error.URLError, match="refused"):
            ask("GET", "/v2/", "dify", port=port)


def test_images_from_before_are_there(ask):
    assert json.loads(ask("GET", "/v2/backup/tags/list", "dify").body)["tags"]
