# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The active release runs as it is on record, on an engine of the host's own architecture."""

from __future__ import annotations

import json

from support.browser import page_in_browser

UNIT = "dify-dify"
PORT = 8080


def test_the_page_and_the_api_answer(ask, version, release):
    assert version == release["version"]
    assert "<html" in ask("/")


def test_a_browser_shows_what_the_api_has(name, address, tmp_path):
    page = page_in_browser(f"http://{address(name)}:{PORT}/", str(tmp_path))
    assert "Is it kept?" in page


def test_every_service_is_healthy_and_on_its_digest(containers, release):
    assert set(containers) == set(release["images"])
    for service, container in containers.items():
        state = container["State"]
        assert (service, state["Status"]) == (service, "running")
        assert (service, state.get("Health", {}).get("Status", "healthy")) == (service, "healthy")
        assert container["Config"]["Image"].endswith(f"@{release['images'][service]['digest']}")
    assert {service for service, container in containers.items() if "Health" in container["State"]} >= {
        "api",
        "worker",
        "web",
    }


def test_every_image_is_for_the_host(host, name, containers):
    images = " ".join(sorted({container["Image"] for container in containers.values()}))
    found = json.loads(host.check_output(f"docker image inspect {images}"))
    assert {image["Architecture"] for image in found} == {name}


def test_no_change_is_under_way(state):
    assert state["pending"] is None


def test_it_starts_at_boot(host):
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled
    assert host.check_output("systemctl is-system-running") == "running"
