# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.registry_checks import unknown_to_engine
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.registry import RegistryClient, RegistrySettings

ENGINE = {
    "IndexConfigs": {"known:5000": {"Secure": False}, "docker.io": {"Secure": True}},
    "InsecureRegistryCIDRs": ["10.0.0.0/8", "::1/128"],
}


@pytest.mark.parametrize(
    ("host", "options", "says"),
    [
        pytest.param("other:5000", {}, None, id="over-tls"),
        pytest.param("other:5000", {"http": True}, "does not reach other:5000 over HTTP", id="http"),
        pytest.param("other:5000", {"insecure": True}, "without a look at its certificate", id="insecure"),
        pytest.param("known:5000", {"http": True}, None, id="the-engine-knows"),
        pytest.param("10.1.2.3:5000", {"http": True}, None, id="by-its-network"),
        pytest.param("192.0.2.1:5000", {"http": True}, "192.0.2.1:5000", id="in-another-network"),
        pytest.param("localhost:5000", {"http": True}, None, id="loopback"),
    ],
)
def test_unknown_to_engine(host, options, says):
    client = RegistryClient([RegistrySettings(host, **options)])
    found = unknown_to_engine(client, [host, host], ENGINE)
    assert len(found) == (says is not None)
    assert all(says in text for text in found)


def test_an_engine_that_tells_nothing():
    client = RegistryClient([RegistrySettings("other", http=True)])
    assert len(unknown_to_engine(client, ["other"], {})) == 1
