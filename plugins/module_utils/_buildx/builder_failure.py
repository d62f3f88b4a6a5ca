# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed command about builders means, and what to do about it."""

from __future__ import annotations

import re

# What buildx and the engine's client print (buildx 0.13 and 0.29), and what a user can do.
_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"invalid driver option \S+ for \S+ driver",
        "Correct driver_opts of that node; 'docker buildx create' documents the options of each driver.",
    ),
    (
        r"cannot connect to the docker daemon|error during connect",
        "The Docker engine at the node's endpoint does not answer: start it, or correct the endpoint.",
    ),
    (
        r"context deadline exceeded|connection refused|no route to host|i/o timeout|no such host|could not resolve",
        "The node does not answer: check that its daemon runs, that its endpoint is right and that this host reaches it.",
    ),
    (
        r"x509|tls: |certificate|tls enabled, but missing keys",
        "TLS with the node failed: check tls.ca, tls.cert, tls.key and tls.servername of that node.",
    ),
    (r"unrecognized url scheme|invalid endpoint", "Write the endpoint as tcp://HOST:PORT or unix:///PATH."),
    (
        r"pull access denied|failed to resolve reference|manifest unknown|error response from daemon: get ",
        "The image of the node's daemon cannot be had: name one that can in driver_opts.image, or load it beforehand.",
    ),
    (
        r"failed to parse (?:buildkit )?config|invalid configuration key",
        "BuildKit does not understand buildkitd_config: correct the option that the message names.",
    ),
    (
        r"cannot determine kubernetes namespace|kubernetes_master",
        "No Kubernetes cluster is configured for this user: provide a kubeconfig, such as by KUBECONFIG.",
    ),
)
_NOISE = re.compile(r"^(?:WARNING:.*|-+|#\d+ .*| > .*|\s*)$")
_ERROR = re.compile(r"^ERROR: ")


def explain_failure(output: str) -> str:
    """The error in the output of buildx in one line, and the remedy when it is a known one."""
    lines = [_ERROR.sub("", line).strip() for line in output.splitlines() if not _NOISE.match(line)]
    message = "; ".join(dict.fromkeys(line for line in lines if line)) or output.strip() or "no message"
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, output, re.IGNORECASE)), "")
    return f"{message if message.endswith(('.', '?')) else message + '.'} {remedy}".strip()
