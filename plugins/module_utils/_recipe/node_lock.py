# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lock says of the packages that have code for one platform, which the build itself fetches for another. Pure.

Reads ``package-lock.json`` (2 and 3), ``yarn.lock`` (1) and ``pnpm-lock.yaml`` as far as this needs it. The locks of newer yarn
have checksums of its own archives, which say nothing of what a registry gives.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

#: Names of locks, as Dockerfiles copy them.
LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")

# As https://docs.npmjs.com/cli/configuring-npm/package-lock-json#packages writes them.
_FOLDER = "node_modules/"
_FOR_LINUX = re.compile(r"(?:^|[-_+/])linux(?:musl)?-(?:x64|arm64)(?:$|[-_])")
_YARN = re.compile(
    r'^"?(?P<name>@?[^@"\n]+)@[^\n]*:\n'
    r'(?:  (?!version|integrity)[^\n]*\n)*  version "(?P<version>[^"]+)"\n'
    r"(?:  (?!integrity)[^\n]*\n)*  integrity (?P<integrity>[^\n]+)\n",
    re.MULTILINE,
)
# Its key began with a slash, and had a slash before the version, in older ones.
_PNPM = re.compile(
    r"^  '?/?(?P<name>@?[^@'\s:]+?)[@/](?P<version>\d[^'\s:()]*)(?:\([^\n]*\))?'?:\n"
    r"    resolution: \{integrity: (?P<integrity>[^,}\s]+)",
    re.MULTILINE,
)


def locked_integrity(name: str, text: str) -> dict[str, str]:
    """Subresource Integrity by ``name@version``, of packages whose name says that they are for Linux on x64 or arm64.

    :param name: of the lock's file, one of :data:`LOCKS`.
    :param text: the lock. What cannot be read gives nothing: the package manager itself says what is wrong with it.
    """
    found = {"yarn.lock": _yarn, "pnpm-lock.yaml": _pnpm}.get(name, _npm)(text)
    return {
        f"{package}@{version}": integrity
        for package, version, integrity in found
        if integrity and _FOR_LINUX.search(package)
    }


def _npm(text: str) -> Iterator[tuple[str, str, str]]:
    try:
        packages: Any = json.loads(text).get("packages")
    except (ValueError, AttributeError):
        return
    for path, entry in (packages if isinstance(packages, dict) else {}).items():
        if isinstance(entry, dict):
            name = str(entry.get("name") or path.rpartition(_FOLDER)[2])
            yield name, str(entry.get("version") or ""), str(entry.get("integrity") or "")


def _yarn(text: str) -> Iterator[tuple[str, str, str]]:
    for match in _YARN.finditer(text):
        yield match["name"], match["version"], match["integrity"]


def _pnpm(text: str) -> Iterator[tuple[str, str, str]]:
    for match in _PNPM.finditer(text):
        yield match["name"], match["version"], match["integrity"]
