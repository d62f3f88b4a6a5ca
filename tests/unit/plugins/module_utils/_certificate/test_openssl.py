# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._certificate.openssl import openssl_cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import MissingPrerequisite


def test_a_host_without_openssl_is_told_what_has_it():
    def execute(_args, **_options):
        raise FileNotFoundError("openssl")

    with pytest.raises(MissingPrerequisite, match="The program openssl is not on this host .* the package openssl"):
        openssl_cli(execute).run("version")
