# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that are the user's own in the place of the bundled ones: which can be, and where they are. Pure.

A variable tells where a service is when the release's own value of it names the bundled one: ``DB_HOST=db``,
``QDRANT_URL=http://qdrant:6333``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Mapping
from urllib.parse import SplitResult, quote, urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service

#: Names that releases give the database, whatever its kind.
DATABASES = ("db", "db_postgres", "db_mysql")
#: Variables that tell where a service is although their own value does not name it.
_ALSO = {"elasticsearch": ("ELASTICSEARCH_HOST",), "chroma": ("CHROMA_HOST",), "milvus-standalone": ("MILVUS_URI",)}
#: Of a hosted vector store, whose example names the database.
_OF_OTHERS = ("RELYT_HOST",)
#: What takes the place of ``REDIS_HOST``: by the switch, the variable with ``HOST:PORT,HOST:PORT``.
_MANY_REDIS = {"REDIS_USE_SENTINEL": "REDIS_SENTINELS", "REDIS_USE_CLUSTERS": "REDIS_CLUSTERS"}
_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "sentinel": 26379, "postgresql": 5432, "mysql": 3306}
_THIS_CONTAINER = ("localhost", "127.0.0.1", "0.0.0.0", "::1")  # noqa: S104
_PROGRAM = ("nginx", "worker_beat", "api_websocket")


@dataclass(frozen=True)
class Address:
    """Where a service is, as a variable tells it.

    :param port: None where it does not tell.
    """

    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


def check_external(services: Mapping[str, Service], external: Collection[str]) -> None:
    """Refuse what is no service, or cannot be somebody else's.

    :param services: all that the release starts with its profiles.
    :raises CollectionError: naming it, and the services that there are.
    """
    own = {name for name, service in services.items() if service.component in ("api", "web") or name in _PROGRAM}
    unknown = sorted(set(external) - set(services))
    if unknown:
        can_be = ", ".join(sorted(set(services) - own))
        raise CollectionError(
            f"The release starts no {', '.join(unknown)} with its profiles, so nothing of the kind can be external. "
            f"There are {can_be}. Correct the name, or leave it out."
        )
    wrong = sorted(own & set(external))
    if wrong:
        raise CollectionError(f"{', '.join(wrong)} cannot be external: this is the program itself. Leave it out.")


def is_database(external: Collection[str]) -> bool:
    """Whether the program's database is one of them."""
    return any(name in DATABASES for name in external)


def find_addresses(
    external: Collection[str], defaults: Mapping[str, str], values: Mapping[str, str], given: Collection[str]
) -> dict[str, list[Address]]:
    """Where each service is, by service.

    :param defaults: the release's own values by variable.
    :param values: what they come to.
    :param given: the variables that the user gave.
    :raises CollectionError: one is still the bundled service, or nobody said where it is. All of them are told.
    """
    found: dict[str, list[Address]] = {}
    wrong = []
    for name in sorted(external):
        addresses: dict[str, Address] = {}
        for key in _telling(name, defaults, values):
            for address in _addresses(key, values):
                addresses[str(address)] = address
                if address.host in _names(name) or (key in _ALSO.get(name, ()) and key not in given):
                    wrong.append(f"{key} is {address.host}, the bundled {name}: give it the address of your own")
                elif address.host.lower() in _THIS_CONTAINER:
                    wrong.append(
                        f"{key} is {address.host}, which in a container is the container itself: give it an address of the host"
                    )
            if not _addresses(key, values):
                wrong.append(f"{key} is empty, and says where {name} is: give it the address of your own")
        found[name] = list(addresses.values())
    if wrong:
        raise CollectionError(
            f"{', '.join(sorted(external))} {'is' if len(external) == 1 else 'are'} external. " + "; ".join(wrong) + "."
        )
    return found


def follow(
    external: Collection[str], defaults: Mapping[str, str], values: Mapping[str, str], given: Collection[str]
) -> dict[str, str]:
    """Addresses with a login that name a bundled service, such as ``CELERY_BROKER_URL``, with the user's own in its place.

    :param values: what the user gave, and what the secrets come to.
    :param given: the variables that the user gave. These are left alone.
    """
    known = {**defaults, **values}
    found = {}
    for name in external:
        if name == "redis" and any(_is_true(known.get(switch)) for switch in _MANY_REDIS):
            continue
        for key, default in defaults.items():
            parts = _split(default)
            if key in given or not parts or parts.hostname not in _names(name) or "@" not in parts.netloc:
                continue
            prefix = "REDIS" if parts.scheme.startswith("redis") else "DB"
            host, port = known.get(f"{prefix}_HOST"), known.get(f"{prefix}_PORT") or parts.port
            user = known.get(f"{prefix}_USERNAME") or parts.username or ""
            login = f"{quote(user, safe='')}:{quote(known.get(f'{prefix}_PASSWORD', ''), safe='')}"
            encrypted = prefix == "REDIS" and _is_true(known.get("REDIS_USE_SSL"))
            if host and host not in _names(name):
                netloc = f"{login}@{host}" + (f":{port}" if port else "")
                found[key] = parts._replace(scheme="rediss" if encrypted else parts.scheme, netloc=netloc).geturl()
    return found


def _telling(name: str, defaults: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """The variables that tell where a service is."""
    many = [key for switch, key in _MANY_REDIS.items() if name == "redis" and _is_true(values.get(switch))]
    keys = [
        key
        for key in defaults
        if key not in _OF_OTHERS and any(address.host in _names(name) for address in _addresses(key, defaults))
    ]
    also = [key for key in _ALSO.get(name, ()) if key in defaults]
    return [*(key for key in keys if not (many and key == "REDIS_HOST")), *many, *also]


def _addresses(key: str, values: Mapping[str, str]) -> list[Address]:
    value = values.get(key, "").strip()
    if key in _MANY_REDIS.values():
        pairs = [entry.strip().rpartition(":") for entry in value.split(",") if entry.strip()]
        return [Address(host or port, int(port) if host and port.isdigit() else None) for host, _colon, port in pairs]
    parts = _split(value)
    if parts and parts.hostname:
        return [Address(parts.hostname, parts.port or _PORTS.get(parts.scheme))]
    if value and key.endswith("HOST"):
        port = values.get(f"{key[:-4]}PORT", "")
        return [Address(value, int(port) if port.isdigit() else None)]
    return []


def _split(value: str) -> SplitResult | None:
    """Of an address with a host."""
    try:
        parts = urlsplit(value)
        _port = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.hostname else None


def _names(name: str) -> tuple[str, ...]:
    return DATABASES if name in DATABASES else (name,)


def _is_true(value: str | None) -> bool:
    return (value or "").lower() == "true"
