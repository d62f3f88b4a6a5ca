# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.untagging import (
    check_names,
    parse_expressions,
    tags_to_remove,
)

KNOWN = ["1.0", "keep-a-p-1", "keep-a-p-2", "keep-ab-p-1"]


@pytest.mark.parametrize(
    ("tags", "matching", "keep", "removed"),
    [
        pytest.param([], [], [], [], id="nothing-asked"),
        pytest.param(["1.0", "2.0"], [], [], ["1.0"], id="by-name"),
        pytest.param([], ["keep-a-.*"], [], KNOWN[1:3], id="by-expression"),
        pytest.param([], ["keep-a"], [], [], id="as-a-whole"),
        pytest.param(["1.0"], ["keep-.*"], ["keep-a-p-2", "1.0"], ["keep-a-p-1", "keep-ab-p-1"], id="but-those"),
    ],
)
def test_tags_to_remove(tags, matching, keep, removed):
    assert tags_to_remove(KNOWN, tags, parse_expressions(matching), keep) == removed


def test_what_is_neither():
    with pytest.raises(CollectionError, match=r"matching has '\(', which is no regular expression"):
        parse_expressions(["("])
    with pytest.raises(CollectionError, match="tags has 'a b', which is no tag"):
        check_names(["a b"])
