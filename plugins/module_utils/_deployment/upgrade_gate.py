# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of version that need more than a new image, each with a name that a user says yes to. Pure.

Facts: the upgrade notes of Dify's releases, as its Compose files show them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Collection, Iterable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.backup_plan import WITHOUT_DATA
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.external import DATABASES, is_database
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release import Release

Version = tuple[int, ...]

#: How many minor versions may be passed at once before somebody is asked.
_MINORS_AT_ONCE = 1


@dataclass(frozen=True)
class Hazard:
    """Something that a user has to know before.

    :param name: what is given to say yes.
    :param what: what it is, and what has to be done.
    """

    name: str
    what: str


EXTERNAL_DATABASE = Hazard(
    "external-database",
    "the database is your own, and is to be migrated, or is another one than before: no backup of it is made here. Make one.",
)
MOVED_DATA = Hazard(
    "moved-data",
    "a service that holds data is your own from now on, or is bundled again, and its data do not come along: copy them.",
)


def check_upgrade(before: Release | None, after: Release, acknowledged: Collection[str]) -> list[str]:
    """The names of the hazards of a change of release, all of which were said yes to.

    :raises CollectionError: the release is older and its database another, or a hazard was not said yes to, or something was
        said yes to that is no hazard of any change.
    """
    known = [*(hazard.name for hazard, _applies in _HAZARDS), EXTERNAL_DATABASE.name, MOVED_DATA.name]
    unknown = sorted(set(acknowledged) - set(known))
    if unknown:
        names = ", ".join(known)
        raise CollectionError(f"acknowledge has {', '.join(unknown)}, and there are {names}. Correct the name.")
    old, new = _version(before.version) if before else (), _version(after.version)
    if before is None:
        return []
    if old and new and new < old and before.schema != after.schema:
        raise CollectionError(
            f"Release {before.version} is active, and {after.version} is older and knows another database: no migration leads "
            "back. Restore the backup that was made before the upgrade."
        )
    found = _external_hazards(before, after)
    if old and new:
        found += [hazard for hazard, applies in _HAZARDS if applies(old, new, before.images, after.images)]
    open_ones = [hazard for hazard in found if hazard.name not in acknowledged]
    if open_ones:
        told = " ".join(f"{hazard.name}: {hazard.what}" for hazard in open_ones)
        raise CollectionError(
            f"From {before.version} to {after.version} there is more to do than to start it. {told} Once that is settled, say so "
            f"by acknowledge: [{', '.join(hazard.name for hazard in open_ones)}].",
            hazards=[hazard.name for hazard in open_ones],
        )
    return [hazard.name for hazard in found]


def _external_hazards(before: Release, after: Release) -> list[Hazard]:
    """Those of services that are the user's own."""
    found = []
    if is_database(after.external) and before.schema != after.schema:
        found.append(EXTERNAL_DATABASE)
    if _holders(before.external) & _holders(after.images) or _holders(before.images) & _holders(after.external):
        found.append(MOVED_DATA)
    return found


def _holders(services: Iterable[str]) -> set[str]:
    """Those of the services that hold data, by one name where releases give them several."""
    return {"db" if name in DATABASES else name for name in services} - set(WITHOUT_DATA)


def _version(text: str) -> Version:
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()


def _crosses(version: Version) -> Callable[..., bool]:
    return lambda old, new, _before, _after: old < version <= new


def _renames(old: Version, new: Version, before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    del old, new
    return "db" in before and "db" not in after and any(name.startswith("db_") for name in after)


def _passes_minors(old: Version, new: Version, _before: object, _after: object) -> bool:
    return old[0] == new[0] and new[1] - old[1] > _MINORS_AT_ONCE


def _changes_weaviate(old: Version, new: Version, before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    return old < (1, 17, 1) <= new and "weaviate" in before and "weaviate" in after


_HAZARDS: tuple[tuple[Hazard, Callable[..., bool]], ...] = (
    (
        Hazard(
            "plugins",
            "from 1.0 on, models and tools are plugins: those in use have to be extracted and installed once after the upgrade "
            "(flask extract-plugins, flask install-plugins, flask migrate-data-for-plugin in the api).",
        ),
        _crosses((1, 0, 0)),
    ),
    (
        Hazard(
            "renamed-database",
            "the service db gets another name, so what names it (DB_HOST, scripts, backups) has to follow. Its data stay.",
        ),
        _renames,
    ),
    (
        Hazard(
            "weaviate",
            "Weaviate's data have to be migrated in stages: start each version in between on them, or index the knowledge anew.",
        ),
        _changes_weaviate,
    ),
    (
        Hazard(
            "skipped-versions", "versions in between are skipped, and their notes may ask for something: read them."
        ),
        _passes_minors,
    ),
)
