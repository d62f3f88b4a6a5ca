# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints a folder to use as DOCKER_CONFIG, in which buildx 0.13 of Debian 13 is the plugin.

The older buildx lacks what the collection uses when it is there, and both ways are tested. The plugin is a single
static program: it comes out of the package without installing it. Where it is already on the machine,
``IMAGEFLEET_OLD_BUILDX`` names it. The mirror is the machine's own, read from its apt sources.
"""

from __future__ import annotations

import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

SUITE = "trixie"
PACKAGE = "docker-buildx"
PLUGIN = "usr/libexec/docker/cli-plugins/docker-buildx"
_SOURCE = re.compile(r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+)", re.MULTILINE)


def cache_folder() -> pathlib.Path:
    """Where test prerequisites are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "imagefleet-dify"


def debian_mirrors() -> list[str]:
    """The addresses in the machine's apt sources, security archives left out."""
    sources = [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [path.read_text(encoding="utf-8") for path in sources if path.is_file()]
    found = [match[1].rstrip("/") for text in texts for match in _SOURCE.finditer(text)]
    return [address for address in dict.fromkeys(found) if "security" not in address]


def find_package(mirror: str, architecture: str) -> str | None:
    """The address of the package on the mirror, or None when the mirror has no such suite or package."""
    index = f"{mirror}/dists/{SUITE}/main/binary-{architecture}/Packages.xz"
    try:
        with urllib.request.urlopen(index, timeout=60) as answer:
            packages = lzma.decompress(answer.read()).decode()
    except OSError:
        return None
    for paragraph in packages.split("\n\n"):
        if paragraph.startswith(f"Package: {PACKAGE}\n"):
            return f"{mirror}/{re.search(r'^Filename: (.*)$', paragraph, re.MULTILINE)[1]}"
    return None


def fetch_plugin(target: pathlib.Path) -> None:
    """Put the plugin of the suite's package at ``target``."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    mirrors = debian_mirrors()
    package = next((found for mirror in mirrors for found in [find_package(mirror, architecture)] if found), None)
    if package is None:
        sys.exit(f"No {PACKAGE} of {SUITE} at {', '.join(mirrors) or 'any apt source'}: set IMAGEFLEET_OLD_BUILDX.")
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder) / "package.deb"
        with urllib.request.urlopen(package, timeout=300) as answer, archive.open("wb") as file:
            shutil.copyfileobj(answer, file)
        subprocess.run(["dpkg", "-x", str(archive), folder], check=True)
        part = target.with_suffix(".part")
        shutil.copy(pathlib.Path(folder) / PLUGIN, part)
        part.replace(target)


def docker_config_folder() -> pathlib.Path:
    """The folder, made at the first call."""
    folder = cache_folder() / "old-buildx"
    plugin = folder / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("IMAGEFLEET_OLD_BUILDX")
    if given and not plugin.exists():
        shutil.copy(given, plugin)
    elif not plugin.exists():
        fetch_plugin(plugin)
    plugin.chmod(0o755)
    return folder


if __name__ == "__main__":
    print(docker_config_folder())
