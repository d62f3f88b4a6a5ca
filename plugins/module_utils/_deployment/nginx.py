# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's configuration with names in it that we point at containers, so that services are replaced behind it. Pure.

Upstream's configuration asks for ``api`` and ``web`` once, when nginx starts. A copy of it, mounted in its place, asks for
``imagefleet_api`` and ``imagefleet_web``, and a file of ours says which containers these are.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping

#: Services that can be replaced behind nginx.
REPLACEABLE = ("api", "web")
#: Where the source has its configuration and where our copy is, below ``docker/``.
THEIRS = "nginx/conf.d"
OURS = "imagefleet/nginx/conf.d"
UPSTREAMS = "00-imagefleet-upstreams.conf"
_ADDRESS = re.compile(rf"http://(?P<service>{'|'.join(REPLACEABLE)}):(?P<port>\d+)(?![\w.-])")


def with_upstreams(files: Mapping[str, str]) -> tuple[dict[str, str], dict[str, int]]:
    """The files with our names in them, and by service the port that they ask.

    :param files: the texts of the source's files, by name.
    :return: no files where nothing in them can be replaced, or where a service is asked on several ports.
    """
    ports: dict[str, set[int]] = {}
    for text in files.values():
        for match in _ADDRESS.finditer(text):
            ports.setdefault(match["service"], set()).add(int(match["port"]))
    single = {service: next(iter(found)) for service, found in ports.items() if len(found) == 1}
    if not single:
        return {}, {}

    def renamed(match: re.Match[str]) -> str:
        return f"http://imagefleet_{match['service']}" if match["service"] in single else match[0]

    changed = {name: _ADDRESS.sub(renamed, text) for name, text in files.items()}
    return {**changed, UPSTREAMS: upstreams(single, {})}, single


def upstreams(ports: Mapping[str, int], containers: Mapping[str, Iterable[str]]) -> str:
    """The file that says what our names are.

    :param ports: by service.
    :param containers: names of containers by service; of the others, all containers that there are when nginx reads it.
    """
    blocks = []
    for service, port in sorted(ports.items()):
        servers = "".join(f"    server {name}:{port};\n" for name in containers.get(service, (service,)))
        blocks.append(f"upstream imagefleet_{service} {{\n{servers}}}\n")
    return "# Written by imagefleet.dify.\n" + "".join(blocks)


def ports_in(text: str) -> dict[str, int]:
    """By service the port, of a file that :func:`upstreams` made."""
    found = re.findall(r"upstream imagefleet_(\w+) \{\s*server [^:]+:(\d+);", text)
    return {service: int(port) for service, port in found}
