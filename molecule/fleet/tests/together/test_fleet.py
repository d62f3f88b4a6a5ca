# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts form one builder: who has which key, who is let in, and who built and tested which platform."""

from __future__ import annotations

import socket

import pytest

VERSION = "0.15.90"
PORT = 1234
DRIVING = "amd64"
FLEET = "/etc/imagefleet/fleet"
INSTANCES = "/var/lib/imagefleet/buildx/instances"


def test_buildkit_runs_and_starts_again_at_boot(host):
    for service in ("imagefleet-buildkitd", "imagefleet-buildkitd-port"):
        assert host.service(service).is_enabled
        assert host.service(service).is_running
    assert host.check_output("systemctl is-system-running") == "running"


def test_keys_stay_where_they_are_used(host, name):
    key = host.file("/etc/buildkit/tls/server.key")
    assert (key.user, key.mode) == ("root", 0o600)
    for file in ("ca.key", "client.key"):
        assert host.file(f"{FLEET}/{file}").exists == (name == DRIVING)
    assert "PRIVATE" not in host.check_output("cat /etc/buildkit/tls/*.crt")


def test_one_host_has_the_builder(host, name):
    assert host.file(f"{INSTANCES}/dify-builder").exists == (name == DRIVING)


def test_each_host_is_the_node_of_its_platform(nodes):
    assert nodes == {"amd64": ({"linux/amd64"}, "running"), "arm64": ({"linux/arm64"}, "running")}


def test_no_engine_is_on_the_network(host):
    addresses = [line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines()]
    assert {port for address, _colon, port in addresses if address not in ("127.0.0.1", "[::1]")} == {"22", str(PORT)}


def test_the_port_is_closed_to_this_machine(address, name):
    with pytest.raises(TimeoutError), socket.create_connection((address(name), PORT), timeout=3):
        pass


def test_no_emulator_is_set_up(host):
    # Each platform has a host that is native to it.
    assert host.check_output("find /etc/binfmt.d -name 'qemu-*.conf'") == ""


def test_who_has_no_certificate_is_refused(host, name, address):
    if name != DRIVING:
        # Not even that far: the port is open to the driving host alone.
        assert host.run(f"timeout 3 bash -c ': < /dev/tcp/{address(DRIVING)}/{PORT}'").rc == 124
        return
    for peer in ("amd64", "arm64"):
        connect = (
            f"openssl s_client -connect {address(peer)}:{PORT} -alpn h2 -verify_return_error -CAfile {FLEET}/ca.crt"
        )
        certificate = f"-cert {FLEET}/client.crt -key {FLEET}/client.key"
        # In TLS 1.3 the client's part ends before the daemon looks at it: it learns of it when it reads.
        refused = host.run(f"(sleep 3; echo) | timeout 30 {connect} -quiet -no_ign_eof")
        assert refused.rc == 1
        assert "error:0A" in refused.stderr
        let_in = host.run(f"(sleep 3; echo) | timeout 30 {connect} {certificate} -quiet -no_ign_eof")
        assert let_in.rc == 0, let_in.stderr


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_each_platform_was_built_and_tested_where_it_is_native(first_report, architecture):
    platform = f"linux/{architecture}"
    built, tested = first_report.built[platform], first_report.tested[platform]
    assert (built["node"], built["native"], built["emulated_steps"]) == (architecture, True, 0)
    assert (tested["passed"], tested["emulated"]) == (True, False)


def test_the_tag_has_both_platforms(registry):
    index = registry(f"fleet/dify-api/manifests/{VERSION}")
    found = {entry["platform"]["architecture"]: entry["digest"] for entry in index["manifests"]}
    assert found.keys() - {"unknown"} == {"amd64", "arm64"}
    tags = registry("fleet/dify-api/tags/list")["tags"]
    for architecture in ("amd64", "arm64"):
        record = f"ok-{found[architecture].removeprefix('sha256:')}-"
        assert [tag for tag in tags if tag.startswith(record)]


def test_it_runs_on_both_hosts(start_api):
    start_api(f"registry.test:5000/fleet/dify-api:{VERSION}")
