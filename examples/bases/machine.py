# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this machine is set up with: its Debian mirror, its CA bundle, its pip index. Read, never written down."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
#: Where containers have it: not in the system's own place, which a package of certificates would write over.
CONTAINER_CA_BUNDLE = "/usr/local/share/machine-ca.crt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_APT = Path("/etc/apt")


@dataclass(frozen=True)
class AptSource:
    """One repository: its address and the suites taken from it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def parse_one_line(text: str) -> list[AptSource]:
    """Sources of ``sources.list`` and ``*.list`` files: ``deb [options] uri suite component …``."""
    found = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$", line.strip())
        if match:
            found.append(AptSource(match[1], (match[2],), tuple(match[3].split())))
    return found


def parse_deb822(text: str) -> list[AptSource]:
    """Sources of ``*.sources`` files, disabled ones left out."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _colon, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            for uri in fields.get("uris", "").split():
                suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
                found.append(AptSource(uri, tuple(suites), tuple(components)))
    return found


def apt_sources(folder: Path = _APT) -> list[AptSource]:
    """All enabled sources of this machine."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    found: list[AptSource] = []
    for path in files:
        if path.is_file() and path.suffix == ".sources":
            found += parse_deb822(path.read_text())
        elif path.is_file() and path.suffix == ".list":
            found += parse_one_line(path.read_text())
    return found


def debian_mirror(sources: list[AptSource]) -> str:
    """The address from which this machine takes Debian's main archive."""
    for source in sources:
        is_release = any(re.fullmatch(r"[a-z]+", suite) for suite in source.suites)
        if "main" in source.components and is_release and "debian" in source.uri:
            return source.uri.rstrip("/")
    raise SystemExit("make_bases: this machine has no Debian source in /etc/apt, from which bases could be made.")


def container_sources(mirror: str, suite: str) -> str:
    """``/etc/apt/sources.list.d/machine.sources`` of a base made from ``mirror``."""
    return f"Types: deb\nURIs: {mirror}\nSuites: {suite} {suite}-updates\nComponents: main\nSigned-By: {KEYRING}\n"


def pip_conf() -> str:
    """``/etc/pip.conf`` for containers: the machine's CA, and its index when it has one of its own."""
    lines = ["[global]", f"cert = {CONTAINER_CA_BUNDLE}"]
    for option in ("index-url", "extra-index-url", "trusted-host"):
        value = os.environ.get(f"PIP_{option.replace('-', '_').upper()}") or _pip_config(f"global.{option}")
        if value:
            lines.append(f"{option} = {value}")
    return "\n".join(lines) + "\n"


def _pip_config(key: str) -> str:
    completed = subprocess.run(
        ["python3", "-m", "pip", "config", "get", key], capture_output=True, text=True, check=False
    )
    return completed.stdout.strip() if completed.returncode == 0 else ""
