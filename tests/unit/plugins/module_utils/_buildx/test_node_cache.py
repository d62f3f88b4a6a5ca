# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What buildx prints of caches."""

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_cache import (
    NodeCache,
    is_too_much,
    parse_reclaimed,
    parse_usage,
    prune_arguments,
)

USED = """ID\t\t\tRECLAIMABLE\tSIZE\t\tLAST ACCESSED
abc\t\ttrue\t\t1.2GB
Shared:\t\t116.4MB
Private:\t1.2GB
Reclaimable:\t1.1GB
Total:\t\t1.316GB
"""


@pytest.mark.parametrize(
    "output, cache",
    [
        pytest.param(USED, NodeCache(1_200_000_000, 1_100_000_000), id="beside-images"),
        pytest.param("Reclaimable:\t0B\nTotal:\t\t0B\n", NodeCache(0, 0), id="nothing"),
        pytest.param("Total: 8.19kB\n", NodeCache(8190, 8190), id="no-word-of-builds"),
        pytest.param("Total:\t\t1e+03kB\n", NodeCache(1_000_000, 1_000_000), id="four-digits"),
        pytest.param("ERROR: no such builder", None, id="no-total"),
    ],
)
def test_usage(output, cache):
    assert parse_usage(output) == cache


def test_what_went():
    assert parse_reclaimed("ID RECLAIMABLE SIZE\nabc true 12MB\nTotal:\t12.05MB\n") == 12_050_000
    assert parse_reclaimed("") == 0


@pytest.mark.parametrize(
    "size, reclaimable, most, expected",
    [
        pytest.param(10, 10, 10, False, id="just-enough"),
        pytest.param(10, 10, 9, True, id="more"),
        pytest.param(10, 0, 9, False, id="all-of-it-in-use"),
        pytest.param(0, 0, 0, False, id="nothing-there"),
    ],
)
def test_what_goes(size, reclaimable, most, expected):
    assert is_too_much(NodeCache(size, reclaimable), most) is expected


@pytest.mark.parametrize(
    "most, version, limits",
    [
        pytest.param(0, (0, 29, 1), (), id="nothing-stays"),
        pytest.param(5, (0, 29, 1), ("--reserved-space", "5", "--max-used-space", "5"), id="some-stays"),
        pytest.param(5, (0, 13, 0), ("--keep-storage", "5"), id="an-older-buildx"),
    ],
)
def test_what_buildx_is_told(most, version, limits):
    assert prune_arguments(most, version) == ("prune", "--force", "--all", *limits)
