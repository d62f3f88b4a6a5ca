# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.companion import (
    find_plugin_daemon_layout,
    find_sandbox_layout,
    kind_of_go_module,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.component import Sources

GO = "module github.com/langgenius/{name}\n\ngo 1.20\n"


def sources(texts):
    return Sources(frozenset(texts), texts.__getitem__)


@pytest.mark.parametrize(
    "texts, kind",
    [
        pytest.param({"go.mod": GO.format(name="dify-sandbox")}, "dify-sandbox", id="sandbox"),
        pytest.param({"go.mod": GO.format(name="dify-plugin-daemon")}, "dify-plugin-daemon", id="plugin-daemon"),
        pytest.param(
            {"go.mod": "module example.com/ours\n", "conf/config.yaml": "", "docker/amd64/dockerfile": ""},
            "dify-sandbox",
            id="sandbox-under-another-name",
        ),
        pytest.param(
            {"go.mod": "", "conf/config.yaml": "", "docker/versions.yaml": ""},
            "dify-sandbox",
            id="sandbox-with-templates",
        ),
        pytest.param(
            {"go.mod": "module example.com/ours\n", "docker/local.dockerfile": ""},
            "dify-plugin-daemon",
            id="plugin-daemon-under-another-name",
        ),
        pytest.param({"go.mod": "module example.com/other\n"}, None, id="another-program"),
        pytest.param({"docker/local.dockerfile": "", "conf/config.yaml": ""}, None, id="no-program-in-go"),
    ],
)
def test_kind(texts, kind):
    assert kind_of_go_module(sources(texts)) == kind


@pytest.mark.parametrize(
    "text, version",
    [
        pytest.param("module m\ngo 1.20\n", "1.20", id="language"),
        pytest.param("module m\n\ngo 1.23.0\n\ntoolchain go1.23.3\n", "1.23.3", id="toolchain"),
        pytest.param("module m\nrequire example.com/go v1.2.3\n", None, id="none"),
    ],
)
def test_go_version(text, version):
    assert find_sandbox_layout(sources({"go.mod": text})).go_version == version
    assert find_plugin_daemon_layout(sources({"go.mod": text})).go_version == version


@pytest.mark.parametrize(
    "texts, python, node, path",
    [
        pytest.param({}, None, None, None, id="nothing"),
        pytest.param(
            {
                "docker/amd64/dockerfile": "FROM python:3.10-slim\nRUN get node-v20.11.1-linux-x64.tar.xz\n",
                "conf/config.yaml": "app:\n  python_path: /no\npython_path: '/usr/bin/python3'\n",
            },
            "3.10",
            "20.11.1",
            "/usr/bin/python3",
            id="in-the-dockerfile",
        ),
        pytest.param(
            {
                "docker/versions.yaml": "versions:\n  python: example.com:5000/python:3.13-slim # ours\n  nodejs: 'v22.1.0'\n",
                "docker/templates/production.dockerfile": "FROM python:3.10\n",
            },
            "3.13",
            "22.1.0",
            None,
            id="in-the-list-of-versions",
        ),
    ],
)
def test_versions_of_the_sandbox(texts, python, node, path):
    found = find_sandbox_layout(sources(texts))
    assert (found.python_version, found.node_version, found.python_path) == (python, node, path)


@pytest.mark.parametrize(
    "lines, style",
    [
        pytest.param('CMD ["/bin/bash", "-c", "/app/entrypoint.sh"]', "script", id="script"),
        pytest.param('CMD ["/bin/bash", "-c", "/app/commandline migrate && exec /app/main"]', "migrate", id="migrate"),
        pytest.param(
            'ENTRYPOINT ["/usr/bin/tini", "--"]\nCMD ["sh", "-c", "/app/commandline migrate"]', "tini", id="tini"
        ),
        pytest.param('ENTRYPOINT ["/app/main"]', "direct", id="direct"),
    ],
)
def test_entrypoint_style(lines, style):
    found = find_plugin_daemon_layout(sources({"docker/local.dockerfile": f"FROM a\n{lines}\n"}))
    assert found.result()["flavours"]["local"]["entrypoint_style"] == style
