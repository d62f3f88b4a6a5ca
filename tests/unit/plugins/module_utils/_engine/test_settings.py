# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._engine.settings import (
    buildkit_settings,
    engine_settings,
    kept_settings,
    needs_restart,
)

PLAIN = {"host": "registry.lan:5000", "http": True}
INSECURE = {"host": "registry.lan", "insecure": True, "http": False}
OWN_CA = {"host": "registry.example.com", "ca": "/etc/ssl/own.pem"}
HUB_MIRROR = {"host": "mirror.example.com", "mirrors_of": ["docker.io", "quay.io"], "ca": None}
PLAIN_HUB_MIRROR = {"host": "127.0.0.1:5001", "http": True, "mirrors_of": ["docker.io"]}


@pytest.mark.parametrize(
    "registries, insecure, mirrors",
    [
        pytest.param([], None, None, id="none-leaves-both-out"),
        pytest.param([PLAIN], ["registry.lan:5000"], None, id="plain-http-is-insecure-to-the-engine"),
        pytest.param([INSECURE, OWN_CA], ["registry.lan"], None, id="own-ca-is-not-insecure"),
        pytest.param([HUB_MIRROR], None, ["https://mirror.example.com"], id="mirror-of-hub-by-https"),
        pytest.param(
            [PLAIN_HUB_MIRROR, HUB_MIRROR],
            ["127.0.0.1:5001"],
            ["http://127.0.0.1:5001", "https://mirror.example.com"],
            id="mirrors-keep-their-order",
        ),
        pytest.param([{"host": "q", "mirrors_of": ["quay.io"]}], None, None, id="engine-mirrors-only-hub"),
    ],
)
def test_engine_registries(registries, insecure, mirrors):
    settings = engine_settings(registries, 100)
    assert settings.get("insecure-registries") == insecure
    assert settings.get("registry-mirrors") == mirrors
    assert settings["features"] == {"containerd-snapshotter": True}


@pytest.mark.parametrize(
    "current, owned, kept",
    [
        pytest.param(
            {"insecure-registries": ["a"], "debug": True},
            True,
            {"debug": True, "insecure-registries": []},
            id="taken-back",
        ),
        pytest.param(
            {"registry-mirrors": ["https://m"]}, False, {"registry-mirrors": ["https://m"]}, id="somebody-else's"
        ),
        pytest.param({"debug": True}, True, {"debug": True}, id="no-list-stays-none"),
        pytest.param({"registry-mirrors": []}, True, {"registry-mirrors": []}, id="empty-list-stays-one"),
    ],
)
def test_kept_settings(current, owned, kept):
    assert kept_settings(current, owned) == kept


@pytest.mark.parametrize(
    "registries, tables",
    [
        pytest.param([], None, id="none-leaves-the-table-out"),
        pytest.param([PLAIN], {"registry.lan:5000": {"http": True}}, id="plain-http"),
        pytest.param([INSECURE], {"registry.lan": {"insecure": True}}, id="insecure"),
        pytest.param([OWN_CA], {"registry.example.com": {"ca": ["/etc/ssl/own.pem"]}}, id="own-ca"),
        pytest.param(
            [{**OWN_CA, "host": "localhost:5443"}],
            {"localhost:5443": {"ca": ["/etc/ssl/own.pem"], "http": False}},
            id="own-ca-on-loopback",
        ),
        pytest.param(
            [PLAIN_HUB_MIRROR, HUB_MIRROR],
            {
                "127.0.0.1:5001": {"http": True},
                "docker.io": {"mirrors": ["127.0.0.1:5001", "mirror.example.com"]},
                "quay.io": {"mirrors": ["mirror.example.com"]},
            },
            id="mirrors-of-any-registry-in-order",
        ),
    ],
)
def test_buildkit_registries(registries, tables):
    assert buildkit_settings(registries, 100).get("registry") == tables


def test_buildkit_sees_authorities_in_a_folder_of_its_own():
    tables = buildkit_settings([OWN_CA], 100, "/etc/buildkit/certs")["registry"]
    assert tables == {"registry.example.com": {"ca": ["/etc/buildkit/certs/registry.example.com/ca.crt"]}}


@pytest.mark.parametrize(
    "disk_gb, reserved, maximum, free",
    [
        pytest.param(30, "3GB", "18GB", "10GB", id="small-disk-keeps-ten-gigabytes-free"),
        pytest.param(500, "50GB", "300GB", "50GB", id="large-disk-by-shares"),
    ],
)
def test_cache_leaves_head_room(disk_gb, reserved, maximum, free):
    engine = engine_settings([], disk_gb)["builder"]["gc"]
    buildkit = buildkit_settings([], disk_gb)["worker"]["oci"]
    sizes = (engine["defaultReservedSpace"], engine["defaultMaxUsedSpace"], engine["defaultMinFreeSpace"])
    assert sizes == (reserved, maximum, free)
    assert (buildkit["reservedSpace"], buildkit["maxUsedSpace"], buildkit["minFreeSpace"]) == sizes
    assert engine["defaultKeepStorage"] == reserved


def test_daemons_with_the_same_settings_take_shares_of_their_disks():
    worker = buildkit_settings([], None)["worker"]["oci"]
    assert worker == {"gc": True, "reservedSpace": "10%", "maxUsedSpace": "60%", "minFreeSpace": "10%"}


@pytest.mark.parametrize(
    "current, wanted, restart",
    [
        pytest.param({"debug": True}, {"debug": True}, False, id="equal"),
        pytest.param({}, {"registry-mirrors": ["https://m"]}, False, id="mirror-is-reloaded"),
        pytest.param({"insecure-registries": ["a"]}, {"insecure-registries": []}, False, id="emptied-list-is-reloaded"),
        pytest.param({"insecure-registries": ["a"]}, {}, True, id="dropped-list-is-not"),
        pytest.param({}, {"features": {"containerd-snapshotter": True}}, True, id="image-store-needs-a-restart"),
        pytest.param({"data-root": "/a"}, {"data-root": "/b", "debug": True}, True, id="one-is-enough"),
    ],
)
def test_needs_restart(current, wanted, restart):
    assert needs_restart(current, wanted) is restart
