# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module ends: the one place where an error becomes ``fail_json`` and check mode forgives a missing prerequisite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import (
    CollectionError,
    MissingPrerequisite,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def finish(module: AnsibleModule, work: Callable[[], dict[str, Any]]) -> None:
    """Exit with what ``work`` returns, or fail with what it raises.

    ``work`` reads, plans, applies (unless in check mode) and returns the keyword arguments of ``exit_json``.
    A :class:`MissingPrerequisite` in check mode exits with ``unknown: true`` and ``changed: false``.
    """
    try:
        result = work()
    except MissingPrerequisite as error:
        if module.check_mode:
            module.exit_json(**error.check_mode_result())
        module.fail_json(**error.result())
    except CollectionError as error:
        module.fail_json(**error.result())
    else:
        module.exit_json(**result)
