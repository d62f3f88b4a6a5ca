# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.image_pull import (
    foreign,
    pull_reason,
    refused,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_pinned, parse_reference

PINNED = f"r.example.com/dify/dify-api@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "found, engine, why",
    [
        pytest.param("linux/amd64", "linux/amd64", None, id="there"),
        pytest.param("linux/aarch64", "linux/arm64", None, id="there-by-another-name"),
        pytest.param("linux/arm", "linux/arm/v6", None, id="variants-do-not-count"),
        pytest.param(None, "linux/amd64", f"{PINNED} is not in the engine", id="not-there"),
        pytest.param(
            "linux/arm64",
            "linux/amd64",
            f"{PINNED} is in the engine for linux/arm64 alone, and the engine runs linux/amd64",
            id="another-architecture",
        ),
        pytest.param(
            "windows/amd64",
            "linux/amd64",
            f"{PINNED} is in the engine for windows/amd64 alone, and the engine runs linux/amd64",
            id="another-system",
        ),
        pytest.param(
            "linux/mips",
            "linux/amd64",
            f"{PINNED} is in the engine for linux/mips alone, and the engine runs linux/amd64",
            id="a-platform-that-nothing-is-built-for",
        ),
    ],
)
def test_why_an_image_is_brought(found, engine, why):
    assert pull_reason(PINNED, found, engine) == why


def test_an_image_for_other_platforms_alone():
    error = foreign(parse_reference(PINNED), "linux/arm64", "linux/amd64")
    assert error.msg.startswith(f"{PINNED} is for linux/arm64 alone, and the engine runs linux/amd64. Build it")
    assert error.facts["reference"] == PINNED


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
        # Docker 28.5, with images kept by containerd.
        pytest.param(
            "no matching manifest for linux/s390x in the manifest list entries: no match for platform in manifest: not found",
            "Build it for that platform",
            id="for-other-platforms",
        ),
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
