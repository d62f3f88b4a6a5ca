# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment on a host, seen from outside: what answers on its published port, and what its engine says."""

from __future__ import annotations

import json
import urllib.request

import pytest

FOLDER = "/opt/dify"
PORT = 8080


@pytest.fixture
def ask(name, address):
    """Ask the deployment, from this machine: ``ask("/health")``."""

    def answer(path):
        with urllib.request.urlopen(f"http://{address(name)}:{PORT}{path}", timeout=60) as response:
            return response.read().decode()

    return answer


@pytest.fixture
def notes(ask):
    """Titles of the notes that it has."""
    return [note["title"] for note in json.loads(ask("/console/api/notes"))["data"]]


@pytest.fixture
def version(ask):
    return json.loads(ask("/health"))["version"]


@pytest.fixture
def state(host):
    return json.loads(host.check_output(f"cat {FOLDER}/state.json"))


@pytest.fixture
def release(host, state):
    """The active release, as it is on record."""
    return json.loads(host.check_output(f"cat {FOLDER}/releases/{state['active']}/release.json"))
