# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.repository_reader import finished_on, seconds


@pytest.mark.parametrize(
    "text, since_1970",
    [
        pytest.param("1970-01-02T00:00:00Z", 86400.0, id="whole"),
        pytest.param("1970-01-02T00:00:00.250000001Z", 86400.250000001, id="nanoseconds"),
        pytest.param("1970-01-02T02:00:00.5+02:00", 86400.5, id="zone"),
        pytest.param("yesterday", None, id="no-time"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_seconds(text, since_1970):
    assert seconds(text) == since_1970


@pytest.mark.parametrize(
    "provenance, finished",
    [
        pytest.param({"metadata": {"buildFinishedOn": "1970-01-02T00:00:00Z"}}, 86400.0, id="slsa-0.2"),
        pytest.param({"runDetails": {"metadata": {"finishedOn": "1970-01-02T00:00:00Z"}}}, 86400.0, id="slsa-1"),
        pytest.param({}, None, id="none"),
    ],
)
def test_finished_on(provenance, finished):
    assert finished_on(provenance) == finished
