# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fresh machine: provisioned, killed, reconfigured. The tests follow each other, on one machine."""

from __future__ import annotations

import pytest

from support.fresh_host import (  # noqa: F401 - fixtures
    docker,
    fresh_host,
    look_after_host,
    play_on_host,
    provision_host,
    run_on_host,
)

ENGINE = ("cat", "/run/docker.pid")
REGISTRY = ("cat", "/run/docker-registry.pid")
CONFIGURE_REGISTRY = "imagefleet.dify.registry : Write its configuration"
CONFIGURE = "imagefleet.dify.build_host : Configure the engine"
KILL = """
for pidfile in /run/docker.pid /run/docker/containerd/containerd.pid /run/docker-registry.pid; do kill -9 "$(cat $pidfile)"; done
sleep 1
for pidfile in /run/docker.pid /run/docker-ssd.pid /run/docker-registry.pid /run/docker/containerd/containerd.pid; do
    echo 1 > $pidfile
done
mkdir -p /var/lib/docker-registry/docker/registry/v2/repositories/half/_uploads/written
"""


def test_the_engine_would_come_from_a_mirror_of_dockers_repository(play_there):
    mirror = {"build_host_engine_source": "docker", "build_host_docker_repository": "https://mirror.lan/docker"}
    shown = play_there(["provision"], "--check", "--diff", **mirror)
    assert "+URIs: https://mirror.lan/docker/debian\n" in shown
    assert "Would install docker-ce, " in shown


def test_a_disk_that_is_too_small_is_refused_with_numbers(provision):
    with pytest.raises(pytest.fail.Exception, match="GB are free for /var/lib/docker, and 1000000 GB are needed"):
        provision(build_host_disk_minimum=10**6)


def test_fresh_host_becomes_a_build_host(host, provision):
    assert provision("--check", "--diff")
    assert docker("exec", host, "sh", "-c", "ls /etc/docker /usr/sbin/dockerd 2>/dev/null; true") == ""

    assert provision()
    assert "io.containerd.snapshotter" in docker("exec", host, "docker", "info")
    assert docker("exec", host, "docker", "compose", "version", "--short")
    upgrades = docker("exec", host, "apt-get", "--simulate", "upgrade")
    # That a second run changes nothing is shown by Molecule and on this machine.
    assert [line for line in upgrades.splitlines() if "forky" in line or "trixie" in line] == []


def test_disk_is_asked_for_once(provision):
    assert provision("--check", build_host_disk_minimum=10**6) == []


def test_what_a_killed_machine_leaves(host, provision):
    docker("exec", host, "bash", "-c", KILL)
    assert provision("--check")
    assert provision()
    assert docker("exec", host, "docker", "version", "--format", "{{.Server.Version}}")


def test_registries_need_a_reload_and_other_settings_a_restart(host, provision):
    engine = docker("exec", host, *ENGINE)
    mirror = {"host": "mirror.lan:5000", "http": True, "mirrors_of": ["docker.io"]}
    assert provision(build_host_registries=[mirror])
    assert "http://mirror.lan:5000/" in docker("exec", host, "docker", "info")
    # dockerd keeps a list that is no longer there: it has to be an empty one.
    assert provision(build_host_registries=[])
    assert "mirror.lan" not in docker("exec", host, "docker", "info")
    assert docker("exec", host, *ENGINE) == engine, "registries need a reload, not a restart"

    assert provision(build_host_registries=[mirror], build_host_daemon_config={"log-level": "warn"})
    assert docker("exec", host, *ENGINE) != engine


def test_settings_are_taken_after_a_run_that_ended_before_the_engine_took_them(host, provision):
    engine = docker("exec", host, *ENGINE)
    late = [{"host": "late.lan:5000", "http": True, "mirrors_of": ["docker.io"]}]
    with pytest.raises(pytest.fail.Exception, match="build_host_engine_minimum"):
        provision(build_host_registries=late, build_host_engine_minimum="999.0")
    assert "late.lan" not in docker("exec", host, "docker", "info")

    assert CONFIGURE in provision("--check", build_host_registries=late)
    assert CONFIGURE in provision(build_host_registries=late)
    assert "http://late.lan:5000/" in docker("exec", host, "docker", "info")
    assert docker("exec", host, *ENGINE) == engine, "registries need a reload, also when they come late"
    assert provision(build_host_registries=late) == []


def test_settings_are_taken_after_a_run_that_ended_before_the_registry_took_them(host, provision):
    registry = docker("exec", host, *REGISTRY)
    docker("exec", host, "touch", "/etc/docker/registry/config.yml")
    assert CONFIGURE_REGISTRY in provision("--check")
    assert CONFIGURE_REGISTRY in provision()
    assert docker("exec", host, *REGISTRY) != registry
    assert provision() == []


def test_upkeep_shows_what_a_host_has_drifted_to_and_leaves_it(host, provision, look_after, tmp_path):
    docker("exec", host, "sh", "-c", "echo '{}' > /etc/docker/daemon.json")
    shown = look_after(upkeep_min_free=1, upkeep_report_dir=str(tmp_path / "report"))
    assert CONFIGURE in shown
    assert docker("exec", host, "cat", "/etc/docker/daemon.json") == "{}"
    assert CONFIGURE in provision()
    assert look_after(upkeep_min_free=1, upkeep_report_dir=str(tmp_path / "report")) == []
