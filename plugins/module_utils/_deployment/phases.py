# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of release goes through, and where it can be left off. Pure.

For a release with changes of the database ``stopped`` (nobody writes any more) and ``migrating``; then for every release
``starting`` (its services come up) and ``active``. A run that ended in between is taken up by the next one. ``restoring`` is when
a backup is put back: until that is done, nothing else may use the data.
"""

from __future__ import annotations

from typing import Collection

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.release_store import State

PHASES = ("stopped", "migrating", "starting", "active")
#: From here on the database may be another one than the release before knows.
_POINT_OF_NO_RETURN = "migrating"
RESTORING = "restoring"
#: From here on Compose sees the release.
SEEN = ("migrating", "starting", "active")


def plan_phase(current: State, release: str, phase: str, same_schema: Collection[str]) -> State:
    """The state after ``release`` has come to ``phase``.

    :param same_schema: releases that know the database as the active one does.
    :raises CollectionError: a migration is under way, and the release knows only the database before it.
    """
    check_restored(current)
    pending = current.pending or {}
    if is_migrating(current) and pending["release"] != release and release in same_schema:
        raise CollectionError(
            f"The database is on its way to release {pending['release']} (phase {pending['phase']}), and release {release} only "
            "knows it as it was before. Deploy the new release again, or restore the backup."
        )
    if phase == "active":
        previous = current.previous if current.active == release else current.active
        return State(release, previous, None)
    begun = "yes" if phase == _POINT_OF_NO_RETURN else pending.get("migrating")
    return State(
        current.active,
        current.previous,
        {"release": release, "phase": phase, **({"migrating": begun} if begun else {})},
    )


def restoring(current: State, release: str, backup: str) -> State:
    """The state while a backup of a release is put back."""
    pending = {"release": release, "phase": RESTORING, "migrating": "yes", "backup": backup}
    return State(current.active, current.previous, pending)


def check_restored(current: State) -> None:
    """:raises CollectionError: the data are partly those of a backup."""
    pending = current.pending or {}
    if pending.get("phase") == RESTORING:
        raise CollectionError(
            f"The backup {pending['backup']} is only put back in part. Run the rollback playbook with deployment_restore: true "
            "again, which puts all of it back."
        )


def is_migrating(state: State) -> bool:
    """Whether a migration has begun that no release has ended yet."""
    return bool(state.pending and state.pending.get("migrating"))


def removable(names: list[str], state: State, keep: int) -> list[str]:
    """The releases that can go.

    :param names: all of them, the oldest first.
    :param keep: how many stay besides those that are in use.
    """
    used = {state.active, state.previous, (state.pending or {}).get("release")}
    free = [name for name in names if name not in used]
    return free[: max(0, len(free) - keep)]
