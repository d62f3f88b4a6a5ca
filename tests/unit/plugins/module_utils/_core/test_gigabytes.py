# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.gigabytes import to_bytes


@pytest.mark.parametrize("gigabytes, expected", [(None, None), (0, 0), (0.5, 500_000_000), (20, 20_000_000_000)])
def test_bytes(gigabytes, expected):
    assert to_bytes("cache_max", gigabytes) == expected


@pytest.mark.parametrize("gigabytes", [-0.1, 1_000_001, float("inf"), float("nan")])
def test_what_is_no_amount(gigabytes):
    with pytest.raises(CollectionError, match=r"cache_max is .+, and must be between 0 and 1000000\."):
        to_bytes("cache_max", gigabytes)
