# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.nginx import (
    UPSTREAMS,
    ports_in,
    upstreams,
    with_upstreams,
)

API = "upstream imagefleet_api {\n    server api:5001;\n}\n"
WEB = "upstream imagefleet_web {\n    server web:3000;\n}\n"


@pytest.mark.parametrize(
    "text, changed, ports",
    [
        pytest.param("proxy_pass http://api:5001;", "proxy_pass http://imagefleet_api;", {"api": 5001}, id="api"),
        pytest.param("proxy_pass http://web:3000;", "proxy_pass http://imagefleet_web;", {"web": 3000}, id="web"),
        pytest.param(
            "a http://api:5001;\nb http://web:3000;\nc http://api:5001;",
            "a http://imagefleet_api;\nb http://imagefleet_web;\nc http://imagefleet_api;",
            {"api": 5001, "web": 3000},
            id="both-and-several-times",
        ),
        pytest.param("http://api:5001/v1/", "http://imagefleet_api/v1/", {"api": 5001}, id="with-a-path"),
        pytest.param(
            "http://api:5001; http://plugin_daemon:5002; ${HTTPS_CONFIG}",
            "http://imagefleet_api; http://plugin_daemon:5002; ${HTTPS_CONFIG}",
            {"api": 5001},
            id="the-rest-stays",
        ),
        pytest.param(
            "http://api:5001; http://api:5002; http://web:3000;",
            "http://api:5001; http://api:5002; http://imagefleet_web;",
            {"web": 3000},
            id="on-several-ports",
        ),
    ],
)
def test_with_upstreams(text, changed, ports):
    files, found = with_upstreams({"default.conf": text})
    assert found == ports
    assert files == {"default.conf": changed, UPSTREAMS: upstreams(ports, {})}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("http://plugin_daemon:5002", id="another-service"),
        pytest.param("http://api", id="no-port"),
        pytest.param("http://api.example.com:5001", id="another-host"),
        pytest.param("http://api_websocket:5001", id="longer-name"),
        pytest.param("https://api:5001", id="not-plain"),
        pytest.param("http://api:5001; http://api:5002", id="several-ports-alone"),
        pytest.param("http://api:5001.x", id="no-port-but-a-name"),
    ],
)
def test_nothing_to_replace(text):
    assert with_upstreams({"default.conf": text}) == ({}, {})


def test_ports_are_counted_over_all_files():
    assert with_upstreams({"a": "http://api:5001", "b": "http://api:5002"}) == ({}, {})


def test_a_file_without_addresses_is_copied():
    files, _ports = with_upstreams({"a": "http://api:5001", "b": "gzip on;"})
    assert files["b"] == "gzip on;"


@pytest.mark.parametrize(
    "ports, containers, blocks",
    [
        pytest.param({}, {}, "", id="nothing"),
        pytest.param({"web": 3000, "api": 5001}, {}, API + WEB, id="services"),
        pytest.param(
            {"web": 3000, "api": 5001},
            {"api": ["dify-api-1", "dify-api-2"]},
            "upstream imagefleet_api {\n    server dify-api-1:5001;\n    server dify-api-2:5001;\n}\n" + WEB,
            id="containers-of-one",
        ),
    ],
)
def test_upstreams(ports, containers, blocks):
    assert upstreams(ports, containers) == f"# Written by imagefleet.dify.\n{blocks}"


@pytest.mark.parametrize(
    "containers",
    [
        pytest.param({}, id="services"),
        pytest.param({"api": ["dify-api-1", "dify-api-2"]}, id="containers"),
    ],
)
def test_the_ports_are_read_again(containers):
    ports = {"api": 5001, "web": 3000}
    assert ports_in(upstreams(ports, containers)) == ports


def test_no_ports():
    assert ports_in("# empty\n") == {}
