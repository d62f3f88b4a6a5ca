# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with another key answered at the first host's address, and later the host itself again."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def test_a_host_with_another_key_gets_no_build():
    refused = (FOLDER / "refused.txt").read_text()
    assert "Node first of builder dify-builder" in refused
    assert "Host key verification failed" in refused
    assert "Traceback" not in refused


def test_the_other_host_took_over_where_that_was_asked_for(registry):
    report = json.loads((FOLDER / "report-meanwhile" / "report.json").read_text())
    (api,) = report["images"]
    assert [(entry["node"], entry["native"]) for entry in api["platforms"]] == [("second", True)]
    assert "meanwhile" in registry("fleet/dify-api/tags/list")["tags"]


def test_the_builder_is_usable_afterwards(registry):
    assert "again" in registry("fleet/dify-api/tags/list")["tags"]
