# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
import time

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import utc_now


@pytest.mark.parametrize("zone", ["UTC", "XXX-12", "XXX+11"])
def test_now_does_not_depend_on_where_the_host_is(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        now = utc_now()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert now.tzinfo is None
    assert abs(calendar.timegm(now.timetuple()) - time.time()) < 60
