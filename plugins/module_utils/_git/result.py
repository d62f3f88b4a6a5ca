# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module returns about a commit, the same for a checkout and for a user's folder. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.imagefleet.dify.plugins.module_utils._core.moment import rfc3339
from ansible_collections.imagefleet.dify.plugins.module_utils._git.client import CommitDetails
from ansible_collections.imagefleet.dify.plugins.module_utils._git.ref import Ref, version_of


def commit_result(ref: Ref, details: CommitDetails) -> dict[str, Any]:
    """The keys that follow from the ref and its own, unpatched commit."""
    return {
        "ref": ref.short,
        "ref_kind": ref.kind,
        "version": version_of(ref, details.commit),
        "commit": details.commit,
        "commit_time": details.time,
        "commit_date": rfc3339(datetime.fromtimestamp(details.time, timezone.utc)),
    }


def tree_result(head: CommitDetails) -> dict[str, Any]:
    """The keys of the commit that is checked out, patched or not."""
    return {"head": head.commit, "tree": head.tree, "trees": dict(head.trees)}
