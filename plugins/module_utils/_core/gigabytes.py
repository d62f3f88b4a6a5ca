# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts that a user gives in gigabytes, as disks are sold: 10**9 bytes."""

from __future__ import annotations

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError

GB = 10**9
_MOST = 10**6


def check_amount(option: str, value: float | None) -> None:
    """
    :param option: what the user knows it as.
    :raises CollectionError: it is below 0, or beyond what a disk, or a count of days, can be.
    """
    if value is not None and not 0 <= value <= _MOST:
        raise CollectionError(f"{option} is {value}, and must be between 0 and {_MOST}.")


def to_bytes(option: str, gigabytes: float | None) -> int | None:
    """The bytes of an option; None where it is None.

    :raises CollectionError: see :func:`check_amount`.
    """
    check_amount(option, gigabytes)
    return None if gigabytes is None else int(gigabytes * GB)
