# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._engine import build_host
from ansible_collections.imagefleet.dify.plugins.module_utils._engine.build_host import (
    BuildHost,
    Engine,
    Plugin,
    parse_version,
)

BANNER = "Docker version 28.5.2+dfsg4, build 89c5e8f\n"
NO_PLUGIN = "docker: unknown command: docker buildx\n\nRun 'docker --help' for more information\n"


class Host:
    """``run_command`` of a host with these programs, by their first two words."""

    def __init__(self, **answers):
        self.answers = answers

    def __call__(self, args, *, data=None, environ_update=None, cwd=None, handle_exceptions=True):
        name = "_".join(word.rpartition("/")[2].replace("-", "") for word in args[:2])
        if name not in self.answers:
            raise FileNotFoundError(2, "No such file or directory", args[0])
        return self.answers[name]


@pytest.mark.parametrize(
    "banner, version",
    [
        (BANNER, "28.5.2"),
        ("Docker version 26.1.5+dfsg1, build 411e817\n", "26.1.5"),
        ("Docker version 20.10.24, build 5d6db84\n", "20.10.24"),
        ("Docker version dev, build library-import\n", None),
        ("", None),
    ],
)
def test_version(banner, version):
    assert parse_version(banner) == version


def test_packages_where_there_is_no_dpkg():
    assert BuildHost(Host()).packages(["docker.io"]) == {"docker.io": None}


@pytest.mark.parametrize(
    "answers, engine",
    [
        pytest.param(
            {"dockerd_version": (0, BANNER, ""), "startstopdaemon_status": (0, "", "")},
            Engine("/usr/sbin/dockerd", "28.5.2", None, True),
            id="running",
        ),
        pytest.param(
            {"dockerd_version": (0, BANNER, ""), "startstopdaemon_status": (3, "", "")},
            Engine("/usr/sbin/dockerd", "28.5.2", None, False),
            id="stopped",
        ),
        pytest.param(
            {"dockerd_version": (127, "", "dockerd: libgone.so: cannot open shared object file\n")},
            Engine("/usr/sbin/dockerd", None, "dockerd: libgone.so: cannot open shared object file", False),
            id="broken",
        ),
    ],
)
def test_engine(monkeypatch, answers, engine):
    monkeypatch.setattr(build_host.shutil, "which", lambda name: f"/usr/sbin/{name}")
    assert BuildHost(Host(**answers)).engine() == engine


@pytest.mark.parametrize(
    "answers, plugins",
    [
        pytest.param(
            {"docker_buildx": (0, "github.com/docker/buildx 0.29.1\n", ""), "docker_compose": (0, "v2.40.3\n", "")},
            [Plugin("buildx", None), Plugin("compose", None)],
            id="both-work",
        ),
        pytest.param(
            {"docker_buildx": (1, "", NO_PLUGIN), "docker_compose": (125, "", "")},
            [Plugin("buildx", "docker: unknown command: docker buildx"), Plugin("compose", "it ended with status 125")],
            id="neither-works",
        ),
        pytest.param(
            {},
            [Plugin("buildx", "there is no docker in PATH"), Plugin("compose", "there is no docker in PATH")],
            id="no-client",
        ),
    ],
)
def test_plugins(answers, plugins):
    assert BuildHost(Host(**answers)).plugins() == plugins


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path):
    disk = BuildHost(Host()).disk(str(tmp_path / "not/there"))
    assert disk == BuildHost(Host()).disk(str(tmp_path))
    assert (disk.path, disk.total > disk.free > 0) == (str(tmp_path), True)


def test_a_folder_without_a_place():
    with pytest.raises(CollectionError, match="'var/lib' is not absolute"):
        BuildHost(Host()).disk("var/lib")
