# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers provisioned and built at once: there is one authority, one builder, and one image that both tell of."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DRIVING = {"site": "amd64", "membership": "driving"}[os.environ["MOLECULE_SCENARIO_NAME"]]
FLEET = "/etc/imagefleet/fleet"
INSPECT = "BUILDX_CONFIG=/var/lib/imagefleet/buildx docker buildx inspect --bootstrap dify-builder"


@pytest.fixture
def reports():
    """What each controller says of its build."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    return [json.loads((folder / f"report-{name}" / "report.json").read_text()) for name in ("one", "two")]


def test_both_tell_of_the_same_images(reports):
    digests = [{image["name"]: image["digest"] for image in report["images"]} for report in reports]
    assert digests[0] == digests[1]
    assert digests[0].keys() == {"api"}


def test_nodes_are_reached_by_the_one_authority(host, name):
    if name == DRIVING:
        assert host.check_output(INSPECT).count("running") == 2
    else:
        assert not host.file(f"{FLEET}/ca.key").exists
