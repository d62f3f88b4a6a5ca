# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has of all that makes it a build host, read in one go. Nothing of it has to be there."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._apt.packages import package_states
from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli, Completed, RunCommand
from ansible_collections.imagefleet.dify.plugins.module_utils._core.disk import Disk, disk_of
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

#: Either is there where containers can have limits: of control groups v2, and of v1.
CONTROL_GROUPS = ("/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/memory")
DAEMON_CONFIG = "/etc/docker/daemon.json"
PLUGINS = ("buildx", "compose")


@dataclass(frozen=True)
class Engine:
    """An engine that is installed.

    :param path: of dockerd.
    :param version: without what distributions add to it; None where it does not tell.
    :param problem: what it said in place of its version; else None.
    :param running: whether such a daemon runs.
    """

    path: str
    version: str | None
    problem: str | None
    running: bool


@dataclass(frozen=True)
class Plugin:
    """A plugin of Docker's client.

    :param problem: why it does not work; None where it does.
    """

    name: str
    problem: str | None


class BuildHost:
    """A host, as it is asked.

    :param execute: ``module.run_command``.
    """

    def __init__(self, execute: RunCommand) -> None:
        self._execute = execute

    def disk(self, path: str) -> Disk:
        """The file system that the folder is on, or will be once it is made.

        :raises CollectionError: the path is not absolute.
        """
        if not path.startswith("/"):
            raise CollectionError(f"The folder {path!r} is not absolute. Write its whole path, as in /var/lib/docker.")
        return disk_of(path)

    def control_groups(self) -> bool:
        return any(os.path.exists(path) for path in CONTROL_GROUPS)

    def daemon_config(self) -> str | None:
        """The file with the engine's settings, where it is there."""
        return DAEMON_CONFIG if os.path.isfile(DAEMON_CONFIG) else None

    def packages(self, names: Sequence[str]) -> dict[str, str | None]:
        """What dpkg calls the state of each; None for one that it does not know, and for all where there is no dpkg.

        :raises CollectionError: a name is none that a package can have.
        """
        try:
            return package_states(self._execute, names)
        except MissingPrerequisite:
            return dict.fromkeys(names)

    def engine(self) -> Engine | None:
        path = shutil.which("dockerd")
        if path is None:
            return None
        said = self._find(path, "--version")
        version = parse_version(said.stdout) if said else None
        problem = None if version or not said else said.last_lines(1)
        running = self._find("start-stop-daemon", "--status", "--name", "dockerd")
        return Engine(path, version, problem, running is not None and running.rc == 0)

    def plugins(self) -> list[Plugin]:
        return [self._plugin(name) for name in PLUGINS]

    def _plugin(self, name: str) -> Plugin:
        said = self._find("docker", name, "version")
        if said is None:
            return Plugin(name, "there is no docker in PATH")
        return Plugin(name, None if said.rc == 0 else first_line(said))

    def _find(self, program: str, *arguments: str) -> Completed | None:
        """What the program did; None where there is no such program."""
        try:
            return Cli(self._execute, program).run(*arguments, check=False)
        except MissingPrerequisite:
            return None


def docker_sdk_works() -> bool:
    """Whether the Python that this runs on can use the docker SDK."""
    try:
        import docker  # noqa: F401
    except Exception:  # noqa: BLE001  # one that is broken may raise anything, and is not there either
        return False
    return True


def first_line(said: Completed) -> str:
    """What a program said first, of what it says when something is wrong."""
    lines = (said.stderr.strip() or said.stdout.strip()).splitlines()
    return lines[0] if lines else f"it ended with status {said.rc}"


def parse_version(banner: str) -> str | None:
    """The version in what ``dockerd --version`` prints; None where there is none."""
    found = re.search(r"version ([0-9]+(\.[0-9]+)*)", banner)
    return found[1] if found else None
