# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that take one of something at top level, or many in a list whose defaults the top level gives. Pure."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping, Sequence, TypeVar

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite

Planned = TypeVar("Planned")


def entries(params: Mapping[str, Any], option: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """What is asked for, each with all of ``names``: the entries of a list, or the top level where there is no list.

    :param option: the module's option that takes the list. What an entry leaves out, it takes from the top level.
    """
    top = {name: params[name] for name in names}
    if params[option] is None:
        return [top]
    return [
        {name: value if entry.get(name) is None else entry[name] for name, value in top.items()}
        for entry in params[option]
    ]


def plan_each(
    asked: Sequence[Mapping[str, Any]],
    plan: Callable[[Mapping[str, Any]], Planned],
    as_result: Callable[[Planned], Any],
) -> list[Planned]:
    """Plan all entries before anything is done for one.

    :param plan: raises CollectionError for an entry that cannot be had.
    :param as_result: what is reported of a planned entry when others fail.
    :raises MissingPrerequisite: entries wait for another task, and no entry is wrong. ``images`` has what is known of each.
    :raises CollectionError: entries are wrong. All of them are told.
    """
    planned: list[Planned] = []
    errors: list[CollectionError] = []
    known: list[Any] = []
    for entry in asked:
        try:
            planned.append(plan(entry))
            known.append(as_result(planned[-1]))
        except MissingPrerequisite as error:
            errors.append(error)
            known.append({"reference": entry["reference"], "unknown": True, "msg": error.msg})
        except CollectionError as error:
            errors.append(error)
    if len(errors) == 1 and len(asked) == 1:
        raise errors[0]
    wrong = [error for error in errors if not isinstance(error, MissingPrerequisite)]
    if wrong:
        raise CollectionError("\n".join(error.msg for error in errors))
    if errors:
        tasks = dict.fromkeys(error.task for error in errors if isinstance(error, MissingPrerequisite))
        raise MissingPrerequisite("\n".join(error.msg for error in errors), " and ".join(tasks), images=known)
    return planned
