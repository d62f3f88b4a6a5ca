# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another suite of the distribution, for packages that are pinned to it and for no other. Pure.

Sources: sources.list(5), apt_preferences(5), and ``apt-get indextargets`` in apt-get(8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

SOURCES = "/etc/apt/sources.list.d"
PREFERENCES = "/etc/apt/preferences.d"
#: What parse_targets reads.
TARGET_FORMAT = "$(REPO_URI)|$(RELEASE)|$(SOURCESENTRY)"
_SUITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,99}")
_HEAD = "Written by imagefleet.dify."
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Target:
    """An index that apt knows.

    :param uri: of the mirror.
    :param release: the suite.
    :param file: the file that names it.
    """

    uri: str
    release: str
    file: str


def check_suite(name: str) -> None:
    """:raises CollectionError: no suite can have that name."""
    if not _SUITE.fullmatch(name):
        raise CollectionError(f"{name!r} is no suite's name. Write one such as bookworm-backports.")


def source_file(suite: str) -> str:
    return f"{SOURCES}/imagefleet-{suite}.sources"


def added_suites(names: Iterable[str]) -> list[str]:
    """Suites that were added before, by the names of files with sources."""
    found = (re.fullmatch(r"imagefleet-(.+)\.sources", name) for name in names)
    return sorted(match[1] for match in found if match)


def parse_targets(printed: str) -> list[Target]:
    """Indexes, by what ``apt-get indextargets`` prints in :data:`TARGET_FORMAT`."""
    rows = (line.split("|") for line in printed.splitlines() if line.count("|") == 2)
    return [Target(uri, release, entry.rpartition(":")[0]) for uri, release, entry in rows]


def own_target(targets: Iterable[Target], release: str) -> Target | None:
    """The index of the distribution's release itself."""
    return next((target for target in targets if target.release == release), None)


def keyring_of(text: str) -> str:
    """The keyring that a file with sources names, of either format; the distribution's own where it names none."""
    found = re.search(r"(?im)signed-by[:=]\s*(/[^\s\]]+)", text)
    return found[1] if found else _KEYRING


def kept_out(suite: str) -> dict[str, str]:
    """The file, with its text, that keeps a suite's packages from a host, but for those that are pinned to it."""
    return {
        f"{PREFERENCES}/imagefleet-{suite}.pref": (
            f"Explanation: {_HEAD}\n"
            "Explanation: Packages of this suite are installed only where nothing else satisfies a dependency, and never "
            "upgrade one.\n"
            "Package: *\n"
            f"Pin: release n={suite}\n"
            "Pin-Priority: 50\n"
        )
    }


def pinned(suite: str, packages: Sequence[str]) -> dict[str, str]:
    """The file, with its text, that pins packages to a suite."""
    return {
        f"{PREFERENCES}/imagefleet-{suite}-{packages[0]}.pref": (
            f"Explanation: {_HEAD}\nPackage: {' '.join(packages)}\nPin: release n={suite}\nPin-Priority: 600\n"
        )
    }


def source(suite: str, mirror: str, keyring: str, check_valid_until: bool) -> dict[str, str]:
    """The file, with its text, that adds a suite."""
    return {
        source_file(suite): (
            f"# {_HEAD}\n"
            "Types: deb\n"
            f"URIs: {mirror}\n"
            f"Suites: {suite}\n"
            "Components: main\n"
            f"Check-Valid-Until: {'yes' if check_valid_until else 'no'}\n"
            f"Signed-By: {keyring}\n"
        )
    }


def is_foreign(suite: str, targets: Iterable[Target]) -> bool:
    """Whether somebody else configured the suite. Its entry and priority are left then: apt refuses two entries that differ."""
    return any(target.release == suite and target.file != source_file(suite) for target in targets)
