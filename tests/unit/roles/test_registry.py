# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry, nginx before it, and a cache are told, by the role's own variables and templates."""

from __future__ import annotations

import json
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
    "elsewhere": {
        "registry_port": 5443,
        "registry_storage_directory": "/srv/images",
        "registry_config": {"log": {"level": "warn"}},
        "registry_garbage_collection": "Sun 03:00",
        "registry_backup_directory": "/backup",
        "registry_backup_schedule": "*-*-* 04:00",
    },
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
        template("job.timer", "{{ item.0.key }}.timer", loop="{{ __registry_jobs | product(['its timer']) }}"),
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


def test_port_folder_settings_and_times_are_as_asked_for(written):
    config = yaml.safe_load(written("elsewhere", "config.yml"))
    assert config["storage"]["filesystem"]["rootdirectory"] == "/srv/images"
    assert config["log"] == {"fields": {"service": "registry"}, "level": "warn"}
    assert re.findall(r"listen (.+);", written("elsewhere", "nginx.conf")) == ["127.0.0.1:5443"]
    assert "OnCalendar=Sun 03:00\n" in written("elsewhere", "garbage-collection.timer")
    assert "OnCalendar=*-*-* 04:00\n" in written("elsewhere", "backup.timer")


@pytest.mark.parametrize(
    "host, credentials",
    [("caching", {}), ("caching-as-somebody", {"username": "we", "password": "hunter2"})],
)
def test_a_cache_asks_its_upstream(written, host, credentials):
    assert yaml.safe_load(written(host, "cache.yml"))["proxy"] == {"remoteurl": UPSTREAM["remote"], **credentials}
    assert re.findall(r"listen (.+);", written(host, "nginx.conf")) == ["127.0.0.1:5000", "127.0.0.1:5001"]
    assert "hunter2" not in written(host, "nginx.conf")


def test_the_engine_mounts_where_links_to_a_certificate_lead(write_for, tmp_path):
    archive, live = tmp_path / "archive", tmp_path / "live"
    for folder in (archive, live):
        folder.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (archive / name).touch()
        (live / name).symlink_to(f"../archive/{name}")
    tls = {"certificate": str(live / "fullchain.pem"), "key": str(live / "privkey.pem")}
    # It goes as far as the engine, or systemd, which need not be here.
    play = {**PREFLIGHT, "tasks": [*PREFLIGHT["tasks"], template("compose.yml", "compose.yml")]}
    written = write_for({"linked": {"registry_source": "image", "registry_tls": tls}}, play)
    volumes = yaml.safe_load(written("linked", "compose.yml"))["services"]["front"]["volumes"]
    assert volumes[-2:] == [f"{folder}:{folder}:ro" for folder in (live, archive)]


#: What cannot be, and what is said of it before anything is changed.
REFUSED = {
    "name": ({"registry_users": [{"name": "a b", "password": "hunter2"}]}, "'a b' in users is no name"),
    "case": (
        {"registry_users": [{"name": name, "password": "hunter2"} for name in ("ci", "CI")]},
        "users has ci and CI",
    ),
    "long-password": ({"registry_users": [{"name": "ci", "password": "hunter2" * 11}]}, "ci in users has more than 72"),
    "empty-password": ({"registry_users": [{"name": "ci", "password": ""}]}, "The password of ci in users is empty"),
    "tls-name": ({"registry_tls": {"names": ["a b"]}}, "'a b' in names is neither"),
    "tls-no-names": ({"registry_tls": {"names": []}}, "names is empty"),
    "tls-renewal": ({"registry_tls": {"names": ["a"], "renew_before": 400}}, "renew_before is 400"),
    "certificate": (
        {"registry_tls": {"certificate": "/nowhere/registry.crt", "key": __file__}},
        "certificate in registry_tls is /nowhere/registry.crt, and certificate has no such file",
    ),
    "key": ({"registry_tls": {"certificate": __file__, "key": "/nowhere"}}, "key in registry_tls is /nowhere"),
    "port": ({"registry_port": 70000}, "70000 in registry_port"),
    "cache-port": ({"registry_caches": [{**UPSTREAM, "port": 0}]}, "0 in registry_port or in port of registry_caches"),
    "cache-login": ({"registry_caches": [{**UPSTREAM, "username": "we"}]}, "a password where it has a username"),
}
PREFLIGHT = {
    "hosts": "all",
    "gather_subset": ["!all"],
    "tasks": [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {
                        "name": "imagefleet.dify.registry",
                        "tasks_from": "preflight.yml",
                        "public": True,
                    }
                }
            ],
            "rescue": [
                {
                    "ansible.builtin.copy": {
                        "content": "{{ ansible_failed_result | to_json }}",
                        "dest": "{{ folder }}/refused.json",
                        "mode": "0600",
                    }
                }
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def refused(write_for):
    """``refused(host, file)``: what it was refused with."""
    return write_for({host: variables for host, (variables, _message) in REFUSED.items()}, PREFLIGHT)


@pytest.mark.parametrize("host", REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_changed(refused, host):
    result = refused(host, "refused.json")
    parts = [json.loads(result), *json.loads(result).get("results", [])]
    assert REFUSED[host][1] in " ".join(str(part.get("msg")) for part in parts)
    assert "hunter2" not in result
