# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.tls import (
    Tls,
    certificate_files,
    check_tls,
    tls_values,
)

TLS = Tls("/a.crt", "/a.key")


def test_environment():
    assert tls_values(None, []) == {}
    assert tls_values(TLS, ["NGINX_HTTPS_ENABLED"]) == {"NGINX_HTTPS_ENABLED": "true"}
    with pytest.raises(CollectionError, match="does not know NGINX_HTTPS_ENABLED"):
        tls_values(TLS, ["NGINX_PORT"])


@pytest.mark.parametrize(
    "tls, values, refused",
    [
        (None, {}, False),
        (None, {"NGINX_HTTPS_ENABLED": "false"}, False),
        (None, {"NGINX_HTTPS_ENABLED": "true"}, True),
        (None, {"NGINX_HTTPS_ENABLED": "True"}, True),
        (None, {"NGINX_HTTPS_ENABLED": "true", "NGINX_ENABLE_CERTBOT_CHALLENGE": "true"}, False),
        (TLS, {"NGINX_HTTPS_ENABLED": "true"}, False),
    ],
)
def test_nginx_needs_a_certificate(tls, values, refused):
    if refused:
        with pytest.raises(CollectionError, match="nginx has no certificate. Give one by tls"):
            check_tls(tls, values)
    else:
        check_tls(tls, values)


@pytest.mark.parametrize(
    "values, files",
    [
        ({}, {"dify.crt": "/a.crt", "dify.key": "/a.key"}),
        ({"NGINX_SSL_CERT_FILENAME": ""}, {"dify.crt": "/a.crt", "dify.key": "/a.key"}),
        (
            {"NGINX_SSL_CERT_FILENAME": "one.pem", "NGINX_SSL_CERT_KEY_FILENAME": "two.pem"},
            {"one.pem": "/a.crt", "two.pem": "/a.key"},
        ),
    ],
)
def test_names_of_the_files(values, files):
    assert certificate_files(TLS, values) == files


@pytest.mark.parametrize("name", ["../one", "a/b", "..", "/etc/one"])
def test_a_name_is_no_path(name):
    with pytest.raises(CollectionError, match="NGINX_SSL_CERT_KEY_FILENAME is .* must be a file's name"):
        certificate_files(TLS, {"NGINX_SSL_CERT_KEY_FILENAME": name})


def test_one_name_for_both():
    with pytest.raises(CollectionError, match="both dify.crt"):
        certificate_files(TLS, {"NGINX_SSL_CERT_KEY_FILENAME": "dify.crt"})
