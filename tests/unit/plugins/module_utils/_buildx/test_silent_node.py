# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import Builder, Node
from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.silent_node import describe_silence


@pytest.mark.parametrize(
    "driver, error, remedy",
    [
        pytest.param("docker", "refused", "Start the engine.", id="engine"),
        pytest.param("remote", "refused", "tls is right", id="daemon"),
        pytest.param("docker-container", "refused", "Start the engine there", id="engine-elsewhere"),
        pytest.param("docker-container", "ssh: Host key verification failed.", "than the pinned one", id="impostor"),
        pytest.param(
            "docker-container", "u@h: Permission denied (publickey).", "Let the key of this host in", id="no-key"
        ),
    ],
)
def test_who_is_silent_and_what_to_do(driver, error, remedy):
    node = Node("n", "ssh://h", error=error)
    described = describe_silence(Builder("b", driver, (node,)), node)
    assert described.startswith(f"Node n of builder b (ssh://h) cannot be reached: {error.rstrip('.')}. ")
    assert remedy in described
