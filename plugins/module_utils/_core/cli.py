# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running other programs: argument vectors in, results or a readable error out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Protocol, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)

LAST_LINES = 20


class RunCommand(Protocol):
    """The part of ``AnsibleModule.run_command`` that :class:`Cli` uses; tests pass a recorded one."""

    def __call__(
        self,
        args: Sequence[str],
        *,
        data: str | bytes | None = None,
        environ_update: Mapping[str, str] | None = None,
        cwd: str | None = None,
        handle_exceptions: bool = True,
    ) -> tuple[int, str, str]: ...


@dataclass(frozen=True)
class Completed:
    """A program that ended: its argument vector, exit status and output."""

    command: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str

    def last_lines(self, count: int = LAST_LINES) -> str:
        """The last ``count`` lines of standard error, or of standard output when that is empty."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-count:])


@dataclass(frozen=True)
class Cli:
    """One program and the environment it always runs with.

    :param execute: ``module.run_command``.
    :param program: its path or name; looked up in PATH by the system.
    :param environment: added to the inherited environment, e.g. ``BUILDX_CONFIG``.
    :param provided_by: what installs the program, for the error when it is missing.
    """

    execute: RunCommand
    program: str
    environment: Mapping[str, str] = field(default_factory=dict)
    provided_by: str = "the provision playbook"

    def run(
        self,
        *arguments: str,
        stdin: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        cwd: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run the program and return what it did.

        Secrets go by ``environment`` or ``stdin``, never by ``arguments``.

        :raises MissingPrerequisite: the program is not installed.
        :raises CollectionError: it ended with a status other than 0 and ``check`` is true.
        """
        command = (self.program, *arguments)
        try:
            rc, stdout, stderr = self.execute(
                list(command),
                data=stdin,
                environ_update={**self.environment, **(environment or {})},
                cwd=cwd,
                handle_exceptions=False,
            )
        except FileNotFoundError as error:
            raise MissingPrerequisite(
                f"The program {self.program} is not on this host ({error}). Install it: {self.provided_by} does that.",
                task=self.provided_by,
            ) from error
        except OSError as error:
            raise CollectionError(f"The program {self.program} cannot be run: {error}.") from error
        completed = Completed(command, rc, stdout, stderr)
        if check and rc != 0:
            raise CollectionError(
                f"{' '.join(command[:3])} failed with status {rc}: {completed.last_lines()}",
                command=list(command),
                rc=rc,
                stderr=completed.last_lines(200),
            )
        return completed
