# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of one builder over many hosts, from what the inventory says of each host. Pure.

Each platform is built where it is native. What no host is, hosts of amd64 emulate, or all of them where none is amd64.
A platform is declared at one node, as buildx takes it away from all but the last. It is the first host's: the others that can
build it are nodes that declare nothing, which are there for what they detect while that one is not.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._buildx.builder import DOCKER_CONTAINER, REMOTE
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.platform import Platform, parse_platforms

PORT = 1234
#: What machines run without emulation, by what their kernel calls them.
NATIVE = {
    "x86_64": ("amd64", "386"),
    "aarch64": ("arm64",),
    "ppc64le": ("ppc64le",),
    "riscv64": ("riscv64",),
    "s390x": ("s390x",),
}
_EMULATING = "x86_64"
#: Connections for which ``ansible_host`` is an address; for others it is a container or nothing.
_BY_ADDRESS = ("ssh", "smart", "paramiko", "paramiko_ssh")


@dataclass(frozen=True)
class FleetHost:
    """A host of the fleet.

    :param machine: as its kernel calls it; None when the host was not asked, as it cannot be reached.
    :param drained: whether it is to build nothing for now.
    """

    name: str
    address: str
    machine: str | None = None
    user: str = "root"
    ssh_port: int = 22
    port: int = PORT
    drained: bool = False

    def native(self, platforms: Sequence[Platform]) -> tuple[Platform, ...]:
        """Those of the platforms that it runs itself."""
        names = NATIVE.get(self.machine or "", ())
        return tuple(platform for platform in platforms if platform.architecture in names)


def read_host(name: str, variables: Mapping[str, Any]) -> FleetHost:
    """A host by its variables: Ansible's for the connection, its facts, and ``build_host_node_*``.

    :raises CollectionError: a variable that has no such value; the message names host and variable.
    """

    def number(variable: str, default: int) -> int:
        value = variables.get(variable, default)
        try:
            found = int(value)
        except (TypeError, ValueError):
            found = 0
        if not 0 < found < 65536:
            raise CollectionError(
                f"{variable} of {name} is {value!r}, which is no port: write a number from 1 to 65535."
            )
        return found

    connection = str(variables.get("ansible_connection") or "ssh").rpartition(".")[2]
    connected = variables.get("ansible_host") if connection in _BY_ADDRESS else None
    facts = variables.get("ansible_facts") or {}
    drained = variables.get("build_host_drained", False)
    return FleetHost(
        name=name,
        address=str(variables.get("build_host_node_address") or connected or name),
        machine=facts.get("architecture"),
        user=str(variables.get("ansible_user") or "root"),
        ssh_port=number("ansible_port", 22),
        port=number("build_host_node_port", PORT),
        drained=drained if isinstance(drained, bool) else str(drained).lower() in ("yes", "true", "on", "1"),
    )


def read_hosts(names: Iterable[str], hostvars: Mapping[str, Any]) -> list[FleetHost]:
    """The hosts of these names.

    :raises CollectionError: a name that the inventory does not have.
    """
    hosts = []
    for name in names:
        if name not in hostvars:
            raise CollectionError(f"build_host_fleet names {name}, and the inventory has no such host.")
        hosts.append(read_host(name, hostvars[name]))
    return hosts


def share_platforms(hosts: Iterable[FleetHost], platforms: Iterable[str]) -> dict[str, tuple[str, ...] | None]:
    """The platforms of each host, by its name: its own, then those that it emulates for the fleet.

    None for a host that was not asked, as it cannot be reached; none for one that is drained.

    :raises CollectionError: a platform that is none.
    """
    hosts = list(hosts)
    part = [host for host in hosts if host.machine and not host.drained]
    wanted = parse_platforms(platforms)
    native = {host.name: host.native(wanted) for host in part}
    missing = [platform for platform in wanted if not any(platform in own for own in native.values())]
    emulating = {host.name for host in part if host.machine == _EMULATING} or {host.name for host in part}
    shared: dict[str, tuple[str, ...] | None] = {host.name: () if host.machine else None for host in hosts}
    for host in part:
        also = missing if host.name in emulating else ()
        shared[host.name] = tuple(map(str, (*native[host.name], *also)))
    return shared


def fleet_nodes(
    hosts: Sequence[FleetHost],
    platforms: Sequence[str],
    driver: str = REMOTE,
    tls_folder: str | None = None,
    driver_opts: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Nodes as ``buildx_builder`` takes them, in the order of the hosts, each platform at the first that is to build it.

    :param driver: ``remote`` for daemons behind mutual TLS, ``docker-container`` for engines behind ssh.
    :param tls_folder: of ``ca.crt``, ``client.crt`` and ``client.key`` on the host that drives.
    :param driver_opts: of each node, for ``docker-container``.
    :raises CollectionError: two hosts whose names make the same node.
    """
    shared = share_platforms(hosts, platforms)
    nodes: list[dict[str, Any]] = []
    named: dict[str, str] = {}
    declared: set[str] = set()
    for host in hosts:
        own = shared[host.name]
        if not own:
            continue
        name = node_name(host.name)
        if name in named:
            raise CollectionError(
                f"The hosts {named[name]} and {host.name} would both be the node {name}. Give one another name in the inventory."
            )
        named[name] = host.name
        node: dict[str, Any] = {"name": name, "platforms": [platform for platform in own if platform not in declared]}
        declared.update(own)
        if driver == DOCKER_CONTAINER:
            node["endpoint"] = f"ssh://{host.user}@{_bracketed(host.address)}:{host.ssh_port}"
            node["driver_opts"] = dict(driver_opts or {})
        else:
            node["endpoint"] = f"tcp://{_bracketed(host.address)}:{host.port}"
            if tls_folder:
                node["tls"] = {
                    "ca": f"{tls_folder}/ca.crt",
                    "cert": f"{tls_folder}/client.crt",
                    "key": f"{tls_folder}/client.key",
                }
        nodes.append(node)
    return nodes


def native_hosts(hosts: Sequence[FleetHost], platforms: Sequence[str], driving: str) -> list[dict[str, Any]]:
    """Which host runs the images of which platforms: the first that is native, else the one that drives, by its emulators.

    :param driving: the host that drives, which comes first where it is native too.
    :return: ``{host, platforms}``, each host once.
    """
    part = [host for host in hosts if host.machine and not host.drained]
    part.sort(key=lambda host: host.name != driving)
    chosen: dict[str, list[str]] = {}
    for platform in parse_platforms(platforms):
        host = next((host.name for host in part if host.native([platform])), driving)
        chosen.setdefault(host, []).append(str(platform))
    return [{"host": host, "platforms": own} for host, own in chosen.items()]


def client_addresses(facts: Mapping[str, Any]) -> list[str]:
    """Addresses that a host may connect from, by its facts: of its interfaces that are no bridges, and of its default routes.

    An engine's bridges come and go, and nobody beyond the host sees them.
    """
    found = {
        facts[family]["address"]
        for family in ("default_ipv4", "default_ipv6")
        if (facts.get(family) or {}).get("address")
    }
    for name in facts.get("interfaces") or ():
        interface = facts.get(name.replace("-", "_").replace(".", "_").replace(":", "_")) or {}
        if interface.get("type") in ("bridge", "loopback"):
            continue
        four = interface.get("ipv4") or {}
        found |= {
            entry["address"] for entry in (four, *(interface.get("ipv4_secondaries") or ())) if entry.get("address")
        }
        found |= {entry["address"] for entry in interface.get("ipv6") or () if entry.get("scope") != "link"}
    return sorted(found)


def unusable_clients(clients: Iterable[Any]) -> list[str]:
    """Those that nftables would not take for an address or a network in CIDR notation."""
    return [str(client) for client in clients if not _is_network(str(client))]


def node_name(host: str) -> str:
    """A host's name as buildx allows it for a node: it starts with a letter, and holds letters, digits, ``.``, ``_``, ``-``."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", host)
    return name if name[:1].isalpha() else f"node-{name}"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9A-Fa-f:.]+(/[0-9]+)?", text) is not None  # Python also takes zones, and masks in full


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
