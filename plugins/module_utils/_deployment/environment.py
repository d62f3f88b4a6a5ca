# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which variables a release takes, in which of its files each belongs, and what changes from one release to the next. Pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.deployment_secrets import is_secret
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.environment_file import (
    parse_environment,
    references,
    with_values,
)

MASK = "********"
HEADING = "From the deployment's variables."
_SUFFIX = ".example"
#: How alike two names must be, from 0 to 1, for one to be taken for the other's new name.
_ALIKE = 0.75
_SHORTEST = 6


@dataclass(frozen=True)
class Variables:
    """What a release takes from its environment.

    :param examples: the texts of its example files, by path below ``docker/``: ``.env.example``, ``envs/api.env.example``.
    :param compose: the text of its Compose file.
    """

    examples: Mapping[str, str]
    compose: str

    def defaults(self) -> dict[str, str]:
        """What it does without any value of ours, by key: the examples', then what the Compose file says."""
        _names, found = references(self.compose)
        for text in self.texts():
            found.update(parse_environment(text))
        return found

    def texts(self) -> list[str]:
        """The examples' texts, a later one before an earlier one: that beside the Compose file is the last."""
        return [self.examples[path] for path in sorted(self.examples, key=lambda path: (-_depth(path), path))]

    def names(self) -> set[str]:
        """Every variable that it knows."""
        return references(self.compose)[0] | set(self.defaults())

    def files_of(self, key: str) -> list[str]:
        """The files that a value is written to: those whose example has it, else the one beside the Compose file."""
        found = [path for path, text in self.examples.items() if key in parse_environment(text)]
        return sorted(path[: -len(_SUFFIX)] for path in found) or [".env"]


def check_names(variables: Variables, given: Mapping[str, str], option: str) -> None:
    """Refuse variables that the release does not know: they would be accepted and do nothing.

    :raises CollectionError: naming them, with those that they may have meant.
    """
    known = variables.names()
    unknown = []
    for key in sorted(set(given) - known):
        close = difflib.get_close_matches(key, known, n=1)
        unknown.append(f"{key} (is {close[0]} meant?)" if close else key)
    if unknown:
        raise CollectionError(
            f"{option} has {', '.join(unknown)}, which neither the release's examples nor its Compose file know: it would do "
            "nothing. Correct the name, or leave it out."
        )


def as_texts(values: Mapping[str, Any], option: str) -> dict[str, str]:
    """What a user gave, as texts: a boolean as ``true`` or ``false``, nothing as the empty text.

    :raises CollectionError: a value is a list or a dictionary.
    """
    found = {}
    for key, value in values.items():
        if isinstance(value, (list, tuple, dict)):
            raise CollectionError(f"{option}.{key} must be a text, and is a {type(value).__name__}.")
        found[str(key)] = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return found


def render_files(variables: Variables, values: Mapping[str, str]) -> dict[str, str]:
    """The environment files of a release by path: its examples with ``values`` in their place.

    A file below a folder only has what is ours: its example is read besides.
    """
    parts: dict[str, dict[str, str]] = {".env": {}}
    for key, value in values.items():
        for path in variables.files_of(key):
            parts.setdefault(path, {})[key] = value
    return {
        path: with_values(variables.examples.get(f"{path}{_SUFFIX}", "") if not _depth(path) else "", own, HEADING)
        for path, own in sorted(parts.items())
    }


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    """What a release's environment has that the one before had not, or otherwise. No value of a secret is in it.

    :return: ``new`` and ``gone`` names, ``renamed`` by old name, ``changed`` names with both values.
    """
    new, gone = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    renamed: dict[str, str] = {}
    for old in gone:
        same = [key for key in new if after[key] == before[old] and key not in renamed.values()]
        close = difflib.get_close_matches(old, same, n=1, cutoff=_ALIKE)
        if close:
            renamed[old] = close[0]
    return {
        "new": [key for key in new if key not in renamed.values()],
        "gone": [key for key in gone if key not in renamed],
        "renamed": renamed,
        "changed": {
            key: {"before": masked(key, before[key]), "after": masked(key, after[key])}
            for key in sorted(set(before) & set(after))
            if before[key] != after[key]
        },
    }


def masked(key: str, value: str) -> str:
    """The value as it may be shown: not at all where it is a secret, without the login where it is an address."""
    if value and is_secret(key):
        return MASK
    scheme, separator, rest = value.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{scheme}://{MASK}@{host}" if separator and at and login else value


def without_secrets(text: str, values: Mapping[str, str]) -> str:
    """A text of a program's with the values of secrets masked, which it may have said.

    :param values: of all variables; those of a few letters are in many texts by chance.
    """
    secrets = {value for key, value in values.items() if is_secret(key) and len(value) >= _SHORTEST}
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _depth(path: str) -> int:
    """How many folders a file is below."""
    return path.count("/")
