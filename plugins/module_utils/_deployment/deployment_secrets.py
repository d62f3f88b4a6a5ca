# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The passwords and keys of a deployment: which there are, what is made for it, and what is refused. Pure.

Facts: what the releases' ``docker/.env.example`` set, 0.15.3 to 1.17.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Collection, Iterable, Mapping
from urllib.parse import quote

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

#: What the bundled services and the program agree on. The keys of a line have one value.
SHARED: tuple[tuple[str, ...], ...] = (
    ("SECRET_KEY",),
    ("DB_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_PASSWORD"),
    ("REDIS_PASSWORD",),
    ("SANDBOX_API_KEY", "CODE_EXECUTION_API_KEY"),
    ("PLUGIN_DAEMON_KEY",),
    ("PLUGIN_DIFY_INNER_API_KEY",),
    ("WEAVIATE_API_KEY", "WEAVIATE_AUTHENTICATION_APIKEY_ALLOWED_KEYS"),
    ("QDRANT_API_KEY",),
    ("PGVECTOR_PASSWORD", "PGVECTOR_POSTGRES_PASSWORD"),
    ("CHROMA_AUTH_CREDENTIALS", "CHROMA_SERVER_AUTHN_CREDENTIALS"),
)
#: Whose loss loses data, with the folders below the data folder that need it: what servers were made with, and what encrypts.
OF_DATA: Mapping[str, tuple[str, ...]] = {
    "SECRET_KEY": ("db", "mysql", "pgvector", "weaviate", "qdrant"),
    "DB_PASSWORD": ("db", "mysql"),
    "PGVECTOR_PASSWORD": ("pgvector",),
}

#: By bundled service, the secret that it is asked for.
OF_SERVICE = {
    "db": "DB_PASSWORD",
    "db_postgres": "DB_PASSWORD",
    "db_mysql": "DB_PASSWORD",
    "redis": "REDIS_PASSWORD",
    "sandbox": "SANDBOX_API_KEY",
    "weaviate": "WEAVIATE_API_KEY",
    "qdrant": "QDRANT_API_KEY",
    "pgvector": "PGVECTOR_PASSWORD",
    "chroma": "CHROMA_AUTH_CREDENTIALS",
}

_SECRET = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|CREDENTIALS|"
    r"(?:SECRET|API|INNER|ACCESS|DAEMON|ACCOUNT|PRIVATE)_KEY|API_?KEYS?|"
    r"STORAGE_CONNECTION_STRING|SERVICE_ACCOUNT_JSON(?:_BASE64)?)$"
)
_SECRET_INSIDE = re.compile(r"APIKEY_ALLOWED_KEYS$")
#: A published key rather than a placeholder that a user would see through.
_PUBLISHED = 32


@dataclass(frozen=True)
class SecretsPlan:
    """The secrets of a release.

    :param values: what goes into its environment, by key.
    :param kept: what is kept on the host for later releases, by the first key of each.
    :param made: the names of what is made now.
    """

    values: Mapping[str, str]
    kept: Mapping[str, str]
    made: tuple[str, ...]


def is_secret(key: str) -> bool:
    """Whether a variable of this name holds a secret, going by its name."""
    return bool(_SECRET.search(key) or _SECRET_INSIDE.search(key))


def plan_secrets(
    defaults: Mapping[str, str],
    given: Mapping[str, str],
    kept: Mapping[str, str],
    allowed: Collection[str],
    *,
    data: Mapping[str, str],
    make: Callable[[], str],
    external: Collection[str] = (),
) -> SecretsPlan:
    """What each secret of a release is: given by the user, else kept from before, else made now.

    :param defaults: what the release's examples set, by key.
    :param given: the user's values, by key.
    :param kept: what the host keeps, by the first key of each.
    :param allowed: keys that may be what upstream publishes.
    :param data: folders with data, by the secret of :data:`OF_DATA` that they need.
    :param make: makes a new one.
    :param external: services that are the user's own. For them nothing is made, nor used that was made for a bundled one.
    :raises CollectionError: a published value is used and not allowed, or one is needed that cannot be made any more.
    """
    values: dict[str, str] = {}
    keeping: dict[str, str] = dict(kept)
    made, missing = [], []
    _refuse_published(defaults, given, allowed)
    _refuse_missing_of_external(defaults, given, kept, allowed, external)
    usable = _without_external(kept, external)
    for group in _groups(defaults, kept):
        name = group[0]
        own = {key: given[key] for key in group if key in given}
        if len(set(own.values())) > 1:
            raise CollectionError(f"{' and '.join(own)} must be the same, and are given differently. Give one of them.")
        if own:
            value = next(iter(own.values()))
        elif name in usable:
            value = usable[name]
        elif any(key in allowed for key in group):
            continue
        elif name in data:
            missing.append(name)
            continue
        else:
            value = keeping[name] = make()
            made.append(name)
        values.update({key: value for key in group if key in defaults or key in given})
    if missing:
        raise CollectionError(
            f"There are data in {data[missing[0]]}, and nobody knows {', '.join(missing)} that they were made with: nothing is "
            "made anew over data. Give it in the deployment's secrets, or take the deployment over with its environment file."
        )
    return SecretsPlan({**values, **_derived(defaults, values, given)}, keeping, tuple(made))


def without_published(
    values: Mapping[str, str], defaults: Mapping[str, str], allowed: Collection[str]
) -> dict[str, str]:
    """Values of a deployment that was taken over, without published secrets that can be made anew: no data depend on them."""
    of_data = {key for group in SHARED if group[0] in OF_DATA for key in group}
    return {
        key: value
        for key, value in values.items()
        if key in of_data or key in allowed or not (is_secret(key) and value == defaults.get(key))
    }


def _refuse_published(defaults: Mapping[str, str], given: Mapping[str, str], allowed: Collection[str]) -> None:
    published = []
    for key, value in sorted(given.items()):
        same = next((group for group in SHARED if key in group), (key,))
        known = value and is_secret(key) and value in {defaults.get(name) for name in same}
        if known and not any(name in allowed for name in same):
            published.append(key)
    if published:
        raise CollectionError(
            f"{', '.join(published)} {'is' if len(published) == 1 else 'are'} what upstream publishes, so everybody knows the "
            "value. Give another one, leave it out to have one made, or allow it by its name."
        )


def _refuse_missing_of_external(
    defaults: Mapping[str, str],
    given: Mapping[str, str],
    kept: Mapping[str, str],
    allowed: Collection[str],
    external: Collection[str],
) -> None:
    """Nothing is made for a service of the user's own. A database of theirs may have data that need their SECRET_KEY."""
    names = {OF_SERVICE.get(service) for service in external}
    groups = {group[0]: group for group in _groups(defaults, kept)}
    missing = [
        name
        for name, group in groups.items()
        if (name in names or (name == "SECRET_KEY" and "DB_PASSWORD" in names and name not in kept))
        and not any(key in given or key in allowed for key in group)
    ]
    if missing:
        hint = (
            " SECRET_KEY is the one that the data in your database were made with; where there are none yet, any random text."
            if "SECRET_KEY" in missing
            else ""
        )
        raise CollectionError(
            f"{', '.join(sorted(external))} {'is' if len(external) == 1 else 'are'} external, and for a service of your own "
            f"nothing is made: the deployment's secrets lack {', '.join(missing)}. Give it, as the empty text where there is "
            f"none.{hint}"
        )


def _without_external(kept: Mapping[str, str], external: Collection[str]) -> dict[str, str]:
    """What is kept, without what was made for bundled services whose place others have taken."""
    names = {OF_SERVICE.get(service) for service in external}
    return {key: value for key, value in kept.items() if key not in names}


def _groups(defaults: Mapping[str, str], kept: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    """The secrets of a release that a bundled service needs: those that are known, and what looks like a published key.

    What is kept is one too, and so is SECRET_KEY, where the release has it without publishing a value.
    """
    known = {key for group in SHARED for key in group}
    for group in SHARED:
        always = group[0] in kept or group[0] == "SECRET_KEY"
        if any(defaults.get(key) or (always and key in defaults) for key in group):
            yield group
    for key, value in defaults.items():
        if key not in known and is_secret(key) and len(value) >= _PUBLISHED and "$" not in value:
            yield (key,)


def _derived(defaults: Mapping[str, str], values: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Addresses that have a password in them, such as ``redis://:PASSWORD@redis:6379/1``."""
    found = {}
    for key, default in defaults.items():
        scheme, separator, _rest = default.partition("://")
        name = "REDIS_PASSWORD" if scheme.startswith(("redis", "sentinel")) else "DB_PASSWORD"
        old = defaults.get(name)
        if separator and key not in given and old and name in values and f":{old}@" in default:
            found[key] = default.replace(f":{old}@", f":{quote(values[name], safe='')}@")
    return found
