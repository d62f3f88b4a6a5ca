# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as everything here compares them: in UTC, without a zone, as OpenSSL and the engine write them."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Now, in UTC, without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def rfc3339(moment: datetime) -> str:
    """One in UTC as RFC 3339 writes it, to the second.

    >>> rfc3339(datetime(2024, 2, 3, 4, 5, 6))
    '2024-02-03T04:05:06Z'
    """
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
