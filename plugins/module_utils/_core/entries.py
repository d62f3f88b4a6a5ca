# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that take one of something at top level, or many in a list whose defaults the top level gives. Pure."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping, TypeVar

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

Planned = TypeVar("Planned")


def plan_each(
    params: Mapping[str, Any],
    option: str,
    names: Iterable[str],
    plan: Callable[[Mapping[str, Any]], Planned],
    as_result: Callable[[Planned], Any],
) -> list[Planned]:
    """Plan what is asked for, all of it before anything is done for one.

    :param params: the module's parameters.
    :param option: the option that takes the list. Without it the top level is the one that is asked for.
    :param names: what each has; what an entry leaves out, it takes from the top level.
    :param plan: raises CollectionError for what cannot be had.
    :param as_result: what is reported of a planned entry when others fail.
    :raises MissingPrerequisite: entries wait for another task, and no entry is wrong. ``images`` has what is known of each.
    :raises CollectionError: entries are wrong. All of them are told.
    """
    top = {name: params[name] for name in names}
    if params[option] is None:
        return [plan(top)]
    planned: list[Planned] = []
    errors: list[CollectionError] = []
    known: list[Any] = []
    for entry in params[option]:
        asked = {name: value if entry.get(name) is None else entry[name] for name, value in top.items()}
        try:
            planned.append(plan(asked))
            known.append(as_result(planned[-1]))
        except CollectionError as error:
            errors.append(error)
            known.append({"reference": asked["reference"], "unknown": True, "msg": error.msg})
    if not errors:
        return planned
    msg = "\n".join(error.msg for error in errors)
    missing = [error for error in errors if isinstance(error, MissingPrerequisite)]
    if len(missing) < len(errors):
        raise CollectionError(msg)
    raise MissingPrerequisite(msg, " and ".join(dict.fromkeys(error.task for error in missing)), images=known)
