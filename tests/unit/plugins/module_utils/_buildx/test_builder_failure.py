# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder_failure import explain_failure


@pytest.mark.parametrize(
    "output, explained",
    [
        pytest.param("", "no message.", id="silence"),
        pytest.param(
            "ERROR: failed to initialize builder x (x0): invalid driver option foo for remote driver\n",
            "failed to initialize builder x (x0): invalid driver option foo for remote driver. Correct driver_opts of that "
            "node; 'docker buildx create' documents the options of each driver.",
            id="unknown-driver-option",
        ),
        pytest.param(
            "ERROR: failed to initialize builder x (x0): tls enabled, but missing keys cacert\n",
            "failed to initialize builder x (x0): tls enabled, but missing keys cacert. TLS with the node failed: check tls.ca, "
            "tls.cert, tls.key and tls.servername of that node.",
            id="tls-without-ca",
        ),
        pytest.param(
            "#1 [internal] waiting for connection\n#1 ERROR: context deadline exceeded\n------\n"
            " > [internal] waiting for connection:\n------\nERROR: context deadline exceeded\n",
            "context deadline exceeded. The node does not answer: check that its daemon runs, that its endpoint is right "
            "and that this host reaches it.",
            id="node-that-does-not-answer",
        ),
        pytest.param(
            "WARNING: new settings may not be used until builder is restarted\nERROR: something new.\n",
            "something new.",
            id="unknown-error-without-remedy",
        ),
        pytest.param(
            "ERROR: failed to parse buildkit config: (11, 16): invalid escape sequence: \\o\n",
            "failed to parse buildkit config: (11, 16): invalid escape sequence: \\o. BuildKit does not understand "
            "buildkitd_config: correct the option that the message names.",
            id="configuration",
        ),
        pytest.param(
            "ERROR: failed to initialize builder k (k0): cannot determine Kubernetes namespace, specify manually\n",
            "failed to initialize builder k (k0): cannot determine Kubernetes namespace, specify manually. No Kubernetes "
            "cluster is configured for this user: provide a kubeconfig, such as by KUBECONFIG.",
            id="no-cluster",
        ),
    ],
)
def test_explain_failure(output, explained):
    assert explain_failure(output) == explained
