# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of names and hashed passwords that nginx lets people in by. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: bcrypt takes no more of a password, and says nothing when there is more.
MOST_BYTES = 72
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class Plan:
    """What becomes of the names.

    :param kept: the hash in the file is one of the password that is wanted.
    :param made, removed: names that get a new hash, and names that go.
    """

    kept: tuple[str, ...]
    made: tuple[str, ...]
    removed: tuple[str, ...]


def check_users(users: Sequence[Mapping[str, str]]) -> None:
    """Whether there can be such users.

    :raises CollectionError: a name that Basic authentication cannot carry, one that is there twice, in whatever case, or an
        unfit password.
    """
    names = [user["name"] for user in users]
    for name in names:
        if not _NAME.fullmatch(name):
            raise CollectionError(
                f"{name!r} in users is no name for a user. Use letters, digits and . _ @ + -, beginning with a letter or digit."
            )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise CollectionError(f"users has {', '.join(repeated)} more than once. Make it one.")
    lower = [name.lower() for name in names]
    if alike := [name for name in names if lower.count(name.lower()) > 1]:
        raise CollectionError(
            f"users has {' and '.join(alike)}. nginx tells who may write in any case, so one would have the other's rights: "
            "rename it."
        )
    for user in users:
        _check_password(user["name"], user["password"])


def _check_password(name: str, password: str) -> None:
    if not password:
        raise CollectionError(f"The password of {name} in users is empty.")
    if len(password.encode()) > MOST_BYTES:
        raise CollectionError(
            f"The password of {name} in users has more than {MOST_BYTES} bytes. bcrypt looks at no more, so any end would do."
        )
    if any(character in password for character in "\r\n"):
        raise CollectionError(f"The password of {name} in users has more than one line.")


def parse_password_file(text: str) -> dict[str, str]:
    """The hashes by name, in the file's order. What is no such line is left out."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: rest for name, colon, rest in pairs if name and colon and rest}


def format_password_file(hashes: Mapping[str, str]) -> str:
    """The file's text."""
    return "".join(f"{name}:{hashed}\n" for name, hashed in hashes.items())


def plan_users(wanted: Sequence[str], found: Collection[str], fitting: Collection[str]) -> Plan:
    """What to do about each name.

    :param found: names in the file.
    :param fitting: those whose hash is one of the wanted password.
    """
    return Plan(
        tuple(name for name in wanted if name in fitting),
        tuple(name for name in wanted if name not in fitting),
        tuple(sorted(set(found) - set(wanted))),
    )
