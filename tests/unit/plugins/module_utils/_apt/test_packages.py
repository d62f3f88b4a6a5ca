# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._apt.packages import package_states, parse_states
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError


@pytest.mark.parametrize(
    "names, printed, states",
    [
        pytest.param(["docker.io"], "", {"docker.io": None}, id="unknown-to-dpkg"),
        pytest.param(
            ["docker.io", "git", "containerd"],
            "installed git\nconfig-files docker.io\nnot-installed containerd\n",
            {"docker.io": "config-files", "git": "installed", "containerd": "not-installed"},
            id="in-the-order-that-was-asked",
        ),
    ],
)
def test_states(names, printed, states):
    assert parse_states(names, printed) == states


@pytest.mark.parametrize("name", ["--list", "docker*", "Docker", "a", "docker io", ""])
def test_what_is_no_package(name):
    with pytest.raises(CollectionError, match="is no name of a package"):
        package_states(lambda *_arguments, **_options: pytest.fail("dpkg was asked"), [name])


def test_nobody_is_asked_for_nothing():
    assert package_states(lambda *_arguments, **_options: pytest.fail("dpkg was asked"), []) == {}
