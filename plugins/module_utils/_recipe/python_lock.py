# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packages of a lock have no wheel for a platform: what a build of them would cost is known before it starts. Pure.

Reads ``uv.lock`` and ``poetry.lock`` as far as this needs it: each package's name, version and files. Names of wheels:
https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import AbstractSet, Iterable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: Packages that compile, and have no wheel at all from which that could be told.
_COMPILED = frozenset(("crcmod", "pycrypto", "python-ldap", "python-snappy", "xmlsec"))
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

_PACKAGE = re.compile(r"^\[\[package\]\]\s*$", re.MULTILINE)
_FIELD = re.compile(r'^(?P<name>name|version) = "(?P<value>[^"]+)"', re.MULTILINE)
_GROUPS = re.compile(r"^groups = \[(?P<names>[^\]]*)\]", re.MULTILINE)
_FILE = re.compile(r'(?:[/"])(?P<name>[^/"]+\.(?:whl|tar\.gz|tar\.bz2|zip))"[^}]*?\bhash = "(?P<hash>[^"]+)"')
_GROUP = re.compile(r"^\[tool\.poetry\.group\.(?P<name>[\w-]+)[.\]]", re.MULTILINE)
_OPTIONAL_GROUP = re.compile(r"^\[tool\.poetry\.group\.(?P<name>[\w-]+)\]\s*\n\s*optional\s*=\s*true", re.MULTILINE)


@dataclass(frozen=True)
class LockedPackage:
    """A package of a lock.

    :param files: names of its wheels and source distributions, with their hashes (``sha256:…``).
    :param groups: of Poetry; empty where the lock tells of none.
    """

    name: str
    version: str
    files: tuple[tuple[str, str], ...]
    groups: frozenset[str] = frozenset()

    @property
    def wheels(self) -> list[str]:
        """Names of its wheels."""
        return [name for name, _hash in self.files if name.endswith(".whl")]

    @property
    def requirement(self) -> str:
        """As a line of a requirements file, with the hashes of what it can be built from."""
        hashes = [digest for name, digest in self.files if not name.endswith(".whl")]
        return " ".join([f"{self.name}=={self.version}", *(f"--hash={digest}" for digest in hashes)])


def parse_lock(text: str) -> tuple[LockedPackage, ...]:
    """The packages of a lock, in its order. Those that come from no index have no files."""
    packages = []
    for block in _PACKAGE.split(text)[1:]:
        fields = {match["name"]: match["value"] for match in reversed(list(_FIELD.finditer(block)))}
        groups = _GROUPS.search(block)
        packages.append(
            LockedPackage(
                fields.get("name", ""),
                fields.get("version", ""),
                tuple((match["name"], match["hash"]) for match in _FILE.finditer(block)),
                frozenset(re.findall(r'"([^"]+)"', groups["names"])) if groups else frozenset(),
            )
        )
    return tuple(packages)


def optional_groups(project: str) -> frozenset[str]:
    """Groups of a Poetry project that are installed only when they are named."""
    return frozenset(match["name"] for match in _OPTIONAL_GROUP.finditer(project))


def installed_groups(project: str) -> tuple[str, ...]:
    """Groups of a Poetry project that are installed without being named, besides the main one."""
    names = dict.fromkeys(match["name"] for match in _GROUP.finditer(project))
    return tuple(name for name in names if name not in optional_groups(project))


def compiled_packages(
    packages: Iterable[LockedPackage],
    architecture: str,
    python: str | None,
    given: AbstractSet[str] = frozenset(),
    left_out: AbstractSet[str] = frozenset(),
) -> tuple[LockedPackage, ...]:
    """Packages whose code has to be compiled for a platform, since no wheel of theirs is for it.

    One that has wheels for some platforms is compiled on the others. One without any is Python alone as a rule: that it is
    not is known of some, and is said by the user of others.

    :param architecture: ``amd64`` or ``arm64``.
    :param python: version of Python (``3.12``); None when it is not known, so that any counts.
    :param given: names that the user says it of.
    :param left_out: groups that are not installed.
    :raises CollectionError: a name that is given is not in the lock.
    """
    packages = tuple(packages)
    unknown = {normalised(name) for name in given} - {normalised(package.name) for package in packages}
    if unknown:
        raise CollectionError(
            f"build_on_target has {', '.join(sorted(unknown))}, which the lock of the Python packages does not have. Correct it."
        )
    names = _COMPILED | {normalised(name) for name in given}
    return tuple(
        package
        for package in packages
        if not (package.groups and package.groups <= left_out)
        and len(package.wheels) < len(package.files)
        and not any(_fits(wheel, architecture, python) for wheel in package.wheels)
        and (normalised(package.name) in names or any(_platform(wheel) != "any" for wheel in package.wheels))
    )


def normalised(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _platform(wheel: str) -> str:
    return wheel[: -len(".whl")].rpartition("-")[2]


def _fits(wheel: str, architecture: str, python: str | None) -> bool:
    parts = wheel[: -len(".whl")].split("-")
    tags, abi, platforms = parts[-3].split("."), parts[-2], parts[-1].split(".")
    machine = _MACHINES[architecture]
    if not any(
        platform == "any" or (platform.startswith(("manylinux", "linux_")) and platform.endswith(machine))
        for platform in platforms
    ):
        return False
    return python is None or any(_fits_python(tag, abi, python) for tag in tags)


def _fits_python(tag: str, abi: str, python: str) -> bool:
    wanted = tuple(int(number) for number in python.split("."))
    match = re.fullmatch(r"(?P<kind>py|cp)(?P<major>\d)(?P<minor>\d*)", tag)
    if not match or int(match["major"]) != wanted[0]:
        return False
    minor = int(match["minor"] or 0)
    if match["kind"] == "py" or "abi3" in abi:
        return minor <= wanted[1]
    return minor == wanted[1]
