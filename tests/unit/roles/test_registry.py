# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry, nginx before it, and a cache are told, by the role's own variables and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
UPSTREAM = {"name": "docker.io", "remote": "https://registry-1.docker.io", "port": 5001}
HOSTS = {
    "loopback": {"registry_address": "127.0.0.1"},
    "loopback6": {"registry_address": "::1"},
    "everywhere": {"registry_address": "0.0.0.0"},  # noqa: S104
    "everywhere6": {"registry_address": "::"},
    "empty": {"registry_address": ""},
    "caching": {"registry_caches": [UPSTREAM]},
    "caching-as-somebody": {"registry_caches": [{**UPSTREAM, "username": "we", "password": "hunter2"}]},
}
TEMPLATES = ROOT / "roles/registry/templates"


def template(name, file, **more):
    written = {"src": f"{TEMPLATES}/{name}.j2", "dest": f"{{{{ folder }}}}/{file}", "mode": "0600"}
    return {"ansible.builtin.template": written, **more}


PLAY = {
    "hosts": "all",
    "gather_subset": ["!all"],
    "tasks": [
        # Only for the role's variables: nobody has an authority here.
        {
            "ansible.builtin.include_role": {
                "name": "imagefleet.dify.registry",
                "tasks_from": "trust.yml",
                "public": True,
            }
        },
        template("config.yml", "config.yml"),
        template("nginx.conf", "nginx.conf"),
        template("cache.yml", "cache.yml", loop="{{ registry_caches | map(attribute='name') }}"),
        {
            "ansible.builtin.copy": {
                "content": "{{ __registry_asked_at }}",
                "dest": "{{ folder }}/asked_at",
                "mode": "0600",
            }
        },
    ],
}


@pytest.fixture(scope="module")
def written(write_for):
    """``written(host, file)``: what the role writes for it."""
    return write_for(HOSTS, PLAY)


@pytest.mark.parametrize(
    "host, listens, asked_at",
    [
        ("loopback", "127.0.0.1:5000", "127.0.0.1"),
        ("loopback6", "[::1]:5000", "[::1]"),
        ("everywhere", "0.0.0.0:5000", "127.0.0.1"),
        # nginx would not listen to IPv4 there.
        ("everywhere6", "[::]:5000", "[::1]"),
        ("empty", ":5000", "127.0.0.1"),
    ],
)
def test_addresses(written, host, listens, asked_at):
    assert yaml.safe_load(written(host, "config.yml"))["http"]["addr"] == listens
    (there,) = re.findall(r"listen (.+);", written(host, "nginx.conf"))
    assert there == (listens if host != "empty" else "0.0.0.0:5000")
    assert written(host, "asked_at") == asked_at


@pytest.mark.parametrize(
    "host, credentials",
    [("caching", {}), ("caching-as-somebody", {"username": "we", "password": "hunter2"})],
)
def test_a_cache_asks_its_upstream(written, host, credentials):
    assert yaml.safe_load(written(host, "cache.yml"))["proxy"] == {"remoteurl": UPSTREAM["remote"], **credentials}
    assert re.findall(r"listen (.+);", written(host, "nginx.conf")) == ["127.0.0.1:5000", "127.0.0.1:5001"]
    assert "hunter2" not in written(host, "nginx.conf")
