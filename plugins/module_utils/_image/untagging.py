# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tags of a repository are to be removed. Pure."""

from __future__ import annotations

import re
from typing import Iterable, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import is_tag


def parse_expressions(texts: Sequence[str]) -> list[re.Pattern[str]]:
    """:raises CollectionError: one is no regular expression."""
    found = []
    for text in texts:
        try:
            found.append(re.compile(text))
        except re.error as error:
            raise CollectionError(f"matching has {text!r}, which is no regular expression: {error}.") from error
    return found


def check_names(tags: Sequence[str]) -> None:
    """:raises CollectionError: one is no tag."""
    for tag in tags:
        if not is_tag(tag):
            raise CollectionError(f"tags has {tag!r}, which is no tag.", tag=tag)


def tags_to_remove(
    known: Iterable[str], tags: Sequence[str], matching: Sequence[re.Pattern[str]], keep: Sequence[str]
) -> list[str]:
    """Those of ``known`` that are named or match as a whole, and are not to be kept."""
    wanted, kept = set(tags), set(keep)
    return [
        tag
        for tag in known
        if tag not in kept and (tag in wanted or any(expression.fullmatch(tag) for expression in matching))
    ]
