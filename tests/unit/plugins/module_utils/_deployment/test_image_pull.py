# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.image_pull import refused
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_pinned, parse_reference

PINNED = f"r.example.com/dify/dify-api@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        pytest.param("no basic auth credentials", "give username and password", id="no-login"),
        pytest.param(
            "unexpected status from HEAD request: 401 Unauthorized", "give username and password", id="containerd"
        ),
        pytest.param("pull access denied for dify-api", "give username and password", id="denied"),
        pytest.param(
            "tls: failed to verify certificate: x509: signed by unknown authority", "give its CA", id="authority"
        ),
        pytest.param("http: server gave HTTP response to HTTPS client", "with http in registries", id="http"),
        pytest.param(f"{PINNED}: not found", "it no more", id="gone"),
        pytest.param("write /var/lib: no space left on device", "Make room", id="full"),
        pytest.param("context canceled", "Look at the registry r.example.com", id="anything-else"),
    ],
)
def test_refused(said, remedy):
    error = refused(parse_reference(PINNED), said)
    assert remedy in error.msg
    assert said in error.msg
    assert error.facts["reference"] == PINNED


def test_only_what_is_pinned():
    assert list(parse_pinned([PINNED, PINNED], "Why.")) == [PINNED]
    with pytest.raises(CollectionError, match="a/b:1, which has no digest"):
        parse_pinned(["a/b:1"], "Why.")
