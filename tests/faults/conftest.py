# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on purpose: a source with one small image, and what must be true of a registry at every moment."""

from __future__ import annotations

import pytest

from support.registry_content import RegistryContent
from support.small_source import SmallSource


@pytest.fixture
def source(tmp_path, registry):
    return SmallSource(tmp_path / "source", f"{registry}/bases/busybox:latest")


@pytest.fixture
def content(plain_registry):
    host, blobs = plain_registry
    return RegistryContent(host, blobs)
