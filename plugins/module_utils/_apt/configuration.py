# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How apt is configured on this host, and changing it."""

from __future__ import annotations

import os
from typing import Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._apt.suite import (
    SOURCES,
    TARGET_FORMAT,
    Target,
    added_suites,
    parse_targets,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, RunCommand
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole

_MODE = 0o644


class AptConfiguration:
    """What apt is told by files.

    :param execute: ``module.run_command``.
    """

    def __init__(self, execute: RunCommand) -> None:
        self._apt_get = Cli(execute, "apt-get", provided_by="Debian or Ubuntu")

    def targets(self) -> list[Target]:
        """Every index of packages that apt knows."""
        asked = ("indextargets", "--no-release-info", "--format", TARGET_FORMAT, "Identifier: Packages")
        return parse_targets(self._apt_get.run(*asked).stdout)

    def added_suites(self) -> list[str]:
        """Suites that were added by :func:`source`."""
        return added_suites(os.listdir(SOURCES)) if os.path.isdir(SOURCES) else []

    def read(self, path: str) -> str | None:
        """The file's text; None where there is none.

        :raises CollectionError: it cannot be read.
        """
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CollectionError(f"{path} cannot be read: {error.strerror}.") from error

    def differing(self, wanted: Mapping[str, str]) -> dict[str, str | None]:
        """Of files that are wanted with these texts, those that are not so, with the texts that they have."""
        found = {path: self.read(path) for path in wanted}
        return {path: text for path, text in found.items() if text != wanted[path] or not _is_readable(path)}

    def write(self, texts: Mapping[str, str]) -> None:
        """:raises CollectionError: a file cannot be written."""
        for path, text in texts.items():
            write_whole(path, text, _MODE)


def _is_readable(path: str) -> bool:
    """For everybody: apt reads it as a user of its own."""
    return os.stat(path).st_mode & 0o777 == _MODE
