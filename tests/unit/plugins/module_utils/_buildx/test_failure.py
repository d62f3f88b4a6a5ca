# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.failure import find_cause


@pytest.mark.parametrize(
    "text, name",
    [
        pytest.param(
            "qemu: uncaught target signal 11 (Segmentation fault) - core dumped", "emulator crash", id="emulator"
        ),
        pytest.param("exec /bin/sh: exec format error", "no emulator", id="no-emulator"),
        pytest.param("write /x: no space left on device", "no space", id="disk"),
        pytest.param("dd: error writing '/x': No space left on device", "no space", id="disk-in-a-program"),
        pytest.param("npm ERR! code ENOSPC", "no space", id="disk-in-npm"),
        pytest.param('process "x" did not complete successfully: exit code: 137', "out of memory", id="killed"),
        pytest.param("FATAL ERROR: Reached heap limit - JavaScript heap out of memory", "out of memory", id="heap"),
        pytest.param(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority", "TLS", id="go-tls"
        ),
        pytest.param("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "TLS", id="python-tls"),
        pytest.param("code SELF_SIGNED_CERT_IN_CHAIN", "TLS", id="node-tls"),
        pytest.param("429 Too Many Requests - toomanyrequests", "too many requests", id="limit"),
        pytest.param("unexpected status: 401 Unauthorized", "not authorised", id="login"),
        pytest.param("denied: requested access to the resource is denied", "forbidden", id="denied"),
        pytest.param("E: Version '1:1.2.13.dfsg-1' for 'zlib1g' was not found", "apt pin not found", id="apt-pin"),
        pytest.param(
            "ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
            "node gone",
            id="node-killed",
        ),
        pytest.param("log\nERROR: context deadline exceeded", "node gone", id="node-not-reached"),
        pytest.param("dial tcp 127.0.0.1:5000: connect: connection refused", "connection refused", id="refused"),
        pytest.param("npm ERR! connect ECONNREFUSED 10.0.0.1:80", "connection refused", id="refused-in-npm"),
        pytest.param("Temporary failure resolving 'mirror'", "name not resolved", id="dns"),
        pytest.param('process "false" did not complete successfully: exit code: 1', "dockerfile step", id="any-step"),
        pytest.param(
            "failed to push r.test/one:1: unavailable: The registry is collecting its garbage",
            "registry closed",
            id="closed",
        ),
        pytest.param(
            "failed to push r.test/one:1: unexpected status from POST request to https://r.test/v2/: 503 Service Unavailable",
            "registry closed",
            id="closed-without-words",
        ),
        pytest.param("GET https://pypi.test/x: 503 Service Unavailable", None, id="somebody-else-is-closed"),
        pytest.param(
            "failed to push r.test/one:1: manifest blob unknown: blob unknown to registry",
            "push collected",
            id="collected",
        ),
        pytest.param(
            'failed to push r.test/one:1: failed to do request: Head "https://r.test/v2/": dial tcp: connect: connection refused',
            "registry restarted",
            id="restarted",
        ),
        pytest.param(
            "failed to push r.test/one:1: unexpected status from PUT request to https://r.test/v2/: 502 Bad Gateway",
            "registry restarted",
            id="restarted-behind-a-proxy",
        ),
        pytest.param("something new", None, id="unknown"),
    ],
)
def test_find_cause(text, name):
    cause = find_cause(text)
    assert (cause.name if cause else None) == name
    assert cause is None or cause.remedy.endswith(".")


def test_the_specific_cause_wins_over_the_step():
    text = 'write: no space left on device\nprocess "x" did not complete successfully: exit code: 1'
    assert find_cause(text).name == "no space"
