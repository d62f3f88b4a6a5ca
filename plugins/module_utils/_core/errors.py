# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception type that the collection's code raises, and what it reports to a user."""

from __future__ import annotations

from typing import Any


class CollectionError(Exception):
    """Something a user can act on: what went wrong, on what, why, and what to do.

    Only a module's ``main`` turns it into ``fail_json``; code below it raises it.

    :param msg: a whole sentence (or several), without secrets.
    :param facts: extra keys of the module's result (JSON types only), such as ``reference`` or ``log``.
    """

    def __init__(self, msg: str, **facts: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.facts = facts

    def result(self) -> dict[str, Any]:
        """Keyword arguments for ``AnsibleModule.fail_json``."""
        return {"msg": self.msg, **self.facts}


class MissingPrerequisite(CollectionError):
    """What the module needs does not exist yet, and another task makes it.

    In check mode that is no failure: nothing can be predicted before that task has run.

    :param task: what makes the prerequisite, as a user would look for it: ``the provision playbook``.
    """

    def __init__(self, msg: str, task: str, **facts: Any) -> None:
        super().__init__(msg, **facts)
        self.task = task

    def check_mode_result(self) -> dict[str, Any]:
        """Keyword arguments for ``AnsibleModule.exit_json`` in check mode."""
        return {
            "changed": False,
            "unknown": True,
            "msg": f"unknown until {self.task} has run: {self.msg}",
            **self.facts,
        }
