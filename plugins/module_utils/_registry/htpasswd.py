# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords hashed, and compared with hashes, by Apache's htpasswd."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: Rounds, as a power of two. nginx compares at each request, and a push has hundreds: about 15 ms each.
_COST = "8"
#: What htpasswd ends with for a password that is another one, and for a hash that it cannot read.
_ANOTHER, _NO_HASH = 3, 7


class Htpasswd:
    """The program. Passwords go by standard input."""

    def __init__(self, program: Cli) -> None:
        self.program = program

    def fits(self, path: str, name: str, password: str) -> bool:
        """Whether the hash that a file has for a name is one of a password, by bcrypt.

        :raises CollectionError: the file cannot be read.
        """
        done = self.program.run("-vi", path, name, stdin=password, check=False)
        if done.rc not in (0, _ANOTHER, _NO_HASH):
            raise CollectionError(f"htpasswd cannot look for {name} in {path}: {done.last_lines(2)}")
        return done.rc == 0

    def hash_of(self, name: str, password: str) -> str:
        """A new hash of a password, by bcrypt."""
        line = self.program.run("-niB", "-C", _COST, name, stdin=password).stdout.strip()
        return line.partition(":")[2]
