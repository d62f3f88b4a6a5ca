# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.node_choice import (
    choose_nodes,
    needs_record,
    record_for,
    without_silent_nodes,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import parse_platform

AMD64, ARM64 = parse_platform("linux/amd64"), parse_platform("linux/arm64")
V2 = parse_platform("linux/amd64/v2")
EMULATING = Node("emulating", detected=(AMD64, V2, ARM64))
PLAIN = Node("plain", detected=(AMD64, V2))
ARM = Node("arm", detected=(ARM64, AMD64))
DECLARING = Node("declaring", platforms=(ARM64,), detected=(AMD64, V2))
STOPPED = Node("stopped")
SILENT = Node("silent", error="refused")


def fleet(*nodes):
    return Builder("b", "remote", nodes)


@pytest.mark.parametrize(
    "builder, chosen",
    [
        pytest.param(fleet(EMULATING), {"amd64": ("emulating", True), "arm64": ("emulating", False)}, id="one-node"),
        pytest.param(
            fleet(EMULATING, ARM),
            {"amd64": ("emulating", True), "arm64": ("arm", True)},
            id="native-though-it-is-second",
        ),
        pytest.param(fleet(ARM, PLAIN), {"amd64": ("plain", True), "arm64": ("arm", True)}, id="each-its-own"),
        pytest.param(
            fleet(ARM, DECLARING), {"amd64": ("arm", False), "arm64": ("declaring", None)}, id="declared-wins"
        ),
        pytest.param(fleet(PLAIN), {"amd64": ("plain", True)}, id="nobody-can"),
        pytest.param(fleet(STOPPED), {"amd64": ("stopped", None), "arm64": ("stopped", None)}, id="not-known-yet"),
    ],
)
def test_choose_nodes(builder, chosen):
    choices = choose_nodes(builder, [AMD64, ARM64])
    assert {platform.architecture: (choice.node.name, choice.native) for platform, choice in choices.items()} == chosen


@pytest.mark.parametrize(
    "builder, needed",
    [
        pytest.param(fleet(EMULATING), False, id="one-node"),
        pytest.param(fleet(EMULATING, ARM), True, id="two-that-detect"),
        pytest.param(fleet(Node("a", platforms=(AMD64,)), Node("b", platforms=(ARM64,))), False, id="two-that-declare"),
        pytest.param(fleet(STOPPED, Node("more")), False, id="not-known-yet"),
    ],
)
def test_needs_record(builder, needed):
    assert needs_record(builder, choose_nodes(builder, [AMD64, ARM64])) is needed


def test_record_declares_what_was_chosen_and_keeps_the_rest():
    recorded = {
        "Name": "b",
        "Driver": "remote",
        "Nodes": [
            {"Name": "silent", "Endpoint": "tcp://s", "Platforms": [{"architecture": "arm64", "os": "linux"}]},
            {"Name": "emulating", "Endpoint": "tcp://e", "Platforms": None, "DriverOpts": {"cacert": "/ca"}},
            {"Name": "arm", "Endpoint": "tcp://a"},
        ],
    }
    builder = without_silent_nodes(fleet(SILENT, EMULATING, ARM))
    record = json.loads(record_for(json.dumps(recorded), builder, choose_nodes(builder, [V2, ARM64])))
    assert record == {
        "Name": "b",
        "Driver": "remote",
        "Nodes": [
            {
                "Name": "emulating",
                "Endpoint": "tcp://e",
                "Platforms": [{"architecture": "amd64", "os": "linux", "variant": "v2"}],
                "DriverOpts": {"cacert": "/ca"},
            },
            {"Name": "arm", "Endpoint": "tcp://a", "Platforms": [{"architecture": "arm64", "os": "linux"}]},
        ],
    }
