# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module ends: the one place where an error becomes ``fail_json`` and check mode forgives a missing prerequisite."""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@contextmanager
def readable_arguments() -> Iterator[None]:
    """Around the making of an ``AnsibleModule``: what its own check of arguments trips over ends the module with a sentence.

    ansible-core 2.19 to 2.21 raise TypeError where a number or list is given for a dictionary inside of a list's entries.
    """
    try:
        yield
    except TypeError as error:
        msg = (
            f"The arguments cannot be read: {error}. An option that takes a dictionary was given something else: compare the "
            "task with the module's documentation."
        )
        # There is no module yet that could fail by fail_json.
        sys.stdout.write(json.dumps({"failed": True, "msg": msg}))
        raise SystemExit(1) from None


def finish(module: AnsibleModule, work: Callable[[], dict[str, Any]]) -> None:
    """Exit with what ``work`` returns, or fail with what it raises.

    ``work`` reads, plans, applies (unless in check mode) and returns the keyword arguments of ``exit_json``.
    A :class:`MissingPrerequisite` in check mode exits with ``unknown: true`` and ``changed: false``. Any other exception is
    a fault of the collection: it is said so, and the traceback goes where Ansible shows one only when it is asked to.
    """
    try:
        refuse_nul(module.params)
        result = work()
    except MissingPrerequisite as error:
        if module.check_mode:
            module.exit_json(**error.check_mode_result())
        module.fail_json(**error.result())
    except CollectionError as error:
        module.fail_json(**error.result())
    except Exception as error:  # noqa: BLE001  # the last resort, so that a user reads a sentence
        module.fail_json(msg=unexpected(error), exception=traceback.format_exc())
    else:
        module.exit_json(**result)


def refuse_nul(params: Any) -> None:
    """Refuse texts with a NUL character: neither a path nor an argument of a program can hold one.

    :param params: the module's parameters.
    :raises CollectionError: naming the first option that has one.
    """
    for path in _nul_paths(params):
        raise CollectionError(f"{path} holds a NUL character, which no path, name or argument can. Remove it.")


def _nul_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if "\0" in str(key):
                yield path or str(key)
            yield from _nul_paths(part, inner)
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _nul_paths(part, f"{path}[{number}]")
    elif isinstance(value, str) and "\0" in value:
        yield path


def unexpected(error: Exception) -> str:
    """What a user reads of an exception that nobody foresaw: what it is, where it came from, and what to do."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} in {os.path.basename(last.filename)}, line {last.lineno}: {error}. "
        "This is a fault of imagefleet.dify: please report it, with what -vvv shows."
    )
