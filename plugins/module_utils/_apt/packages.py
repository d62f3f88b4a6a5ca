# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages, as dpkg has them."""

from __future__ import annotations

import re
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, RunCommand
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

INSTALLED = "installed"
#: https://www.debian.org/doc/debian-policy/ch-controlfields.html#source
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def package_states(execute: RunCommand, names: Sequence[str]) -> dict[str, str | None]:
    """What dpkg calls the state of each, such as ``installed``; None for one that it does not know.

    :param execute: ``module.run_command``.
    :raises MissingPrerequisite: there is no dpkg.
    :raises CollectionError: a name is none that a package can have.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise CollectionError(f"{name!r} is no name of a package. Write one such as docker.io.")
    if not names:
        return {}
    command = ("--show", "--showformat", "${db:Status-Status} ${Package}\\n")
    return parse_states(names, Cli(execute, "dpkg-query").run(*command, *names, check=False).stdout)


def parse_states(names: Sequence[str], printed: str) -> dict[str, str | None]:
    """The state of each, by what dpkg-query printed of those that it knows."""
    states = {name: state for state, _space, name in (line.partition(" ") for line in printed.splitlines())}
    return {name: states.get(name) for name in names}
