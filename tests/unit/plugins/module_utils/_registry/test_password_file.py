# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._registry.password_file import (
    Plan,
    check_users,
    format_password_file,
    parse_password_file,
    plan_users,
)


@pytest.mark.parametrize(
    "wanted, found, fitting, plan",
    [
        pytest.param(["a", "b"], ["a", "b"], ["a", "b"], Plan(("a", "b"), (), ()), id="as-wanted"),
        pytest.param(["a"], [], [], Plan((), ("a",), ()), id="new"),
        pytest.param(["a", "b"], ["a", "b"], ["a"], Plan(("a",), ("b",), ()), id="another-password"),
        pytest.param(["b"], ["c", "b", "a"], ["b"], Plan(("b",), (), ("a", "c")), id="not-wanted"),
        pytest.param([], ["a"], [], Plan((), (), ("a",)), id="nobody"),
    ],
)
def test_plan_users(wanted, found, fitting, plan):
    assert plan_users(wanted, found, fitting) == plan


@pytest.mark.parametrize(
    "users, message",
    [
        pytest.param([("", "x")], "'' in users is no name for a user", id="empty-name"),
        pytest.param([("a:b", "x")], "'a:b' in users is no name", id="colon"),
        pytest.param([("a\nb", "x")], "in users is no name", id="two-lines"),
        pytest.param([('a" 0; "b', "x")], "in users is no name", id="end-of-a-text-in-nginx"),
        pytest.param([("a", "x"), ("b", "x"), ("a", "y")], "users has a more than once", id="twice"),
        pytest.param([("ci", "x"), ("b", "x"), ("CI", "y")], "users has ci and CI. nginx tells", id="in-another-case"),
        pytest.param([("a", "")], "The password of a in users is empty", id="empty-password"),
        pytest.param([("a", "é" * 37)], "has more than 72 bytes", id="longer-than-bcrypt-reads"),
        pytest.param([("a", "x\ny")], "has more than one line", id="password-of-two-lines"),
    ],
)
def test_what_cannot_be(users, message):
    with pytest.raises(CollectionError, match=message) as failure:
        check_users([{"name": name, "password": password} for name, password in users])
    assert "é" not in str(failure.value)


def test_every_sort_of_name_is_taken():
    check_users([{"name": name, "password": "x" * 72} for name in ("ci", "a.b@example.com", "1-2_3+4")])


def test_file():
    hashes = {"b": "$2y$08$two", "a": "$2y$08$one:more"}
    assert format_password_file(hashes) == "b:$2y$08$two\na:$2y$08$one:more\n"
    assert parse_password_file(f"# of ours\n\nbroken\n:x\n{format_password_file(hashes)}") == hashes
