# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.request import (
    checkout_request,
    sparse_patterns,
    worktree_name,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import Credentials

COMMIT = "a" * 40
CHECKSUM = "sha256:" + "0" * 64
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh0"
NOTHING = dict.fromkeys(
    [
        "repo",
        "archive",
        "checksum",
        "mirrors",
        "ref",
        "commit",
        "dest",
        "patches",
        "depth",
        "sparse",
        "verify_keys",
        "username",
        "password",
        "key_file",
        "known_hosts",
    ]
)


def request(**options):
    return checkout_request({**NOTHING, "allow_dirty": False, "timeout": 60, "repo": "/srv/x", "dest": "/d", **options})


def test_a_commit_as_ref_is_a_pin():
    assert request(ref=COMMIT).pin == COMMIT
    assert request(ref="main").pin is None
    assert request(ref="main", commit=COMMIT).pin == COMMIT


def test_credentials_go_to_their_own_server_only():
    made = request(
        repo="https://one.example/x",
        username="me",
        password="pw",
        mirrors=["https://one.example/y", "https://two.example/x", "https://u:v@three.example/x"],
    )
    given = Credentials("me", "pw")
    assert [source.credentials for source in made.sources] == [given, given, None, Credentials("u", "v")]
    assert made.secrets == {"pw", "v"}


def test_mirrors_come_after_the_source():
    assert [source.address for source in request(mirrors=["/b", "/c"]).sources] == ["/srv/x", "/b", "/c"]


def test_archive_takes_the_place_of_repo():
    made = request(archive="/srv/download", checksum=CHECKSUM, mirrors=["https://host/get"])
    assert [str(source) for source in made.sources] == ["/srv/download", "https://host/get"]


@pytest.mark.parametrize(
    "options, words",
    [
        pytest.param({"ref": COMMIT, "commit": "b" * 40}, "Give one of them", id="two-commits"),
        pytest.param({"ref": "--x"}, "cannot be the name", id="hostile-ref"),
        pytest.param({"commit": "abc"}, "not 40 hexadecimal", id="short-commit"),
        pytest.param({"dest": None}, "dest is missing", id="no-dest"),
        pytest.param({"archive": "/a.tar"}, "checksum is missing", id="archive-without-checksum"),
        pytest.param({"checksum": CHECKSUM}, "Pin it by commit", id="checksum-of-a-repository"),
        pytest.param(
            {"archive": "/a.tar", "checksum": CHECKSUM, "verify_keys": [KEY]},
            "no commit is signed",
            id="signed-archive",
        ),
        pytest.param(
            {"archive": "/a.tar", "checksum": CHECKSUM, "mirrors": ["/x.git"]}, "of one kind", id="mixed-mirrors"
        ),
        pytest.param({"depth": 0}, "depth is 0", id="no-depth"),
        pytest.param({"sparse": ["../x"]}, "no path in the source", id="sparse-climbs"),
        pytest.param({"sparse": ["/etc"]}, "no path in the source", id="sparse-absolute"),
        pytest.param({"repo": "https://h/x", "username": "a\nb"}, "line break", id="username-with-newline"),
        pytest.param({"allow_dirty": True, "depth": 1}, "depth would need a checkout", id="dirty-and-shallow"),
        pytest.param({"allow_dirty": True, "patches": ["a\n"]}, "patches would need", id="dirty-and-patched"),
        pytest.param({"allow_dirty": True, "repo": "https://h/x"}, "a folder of this host", id="dirty-url"),
    ],
)
def test_contradictions_are_refused(options, words):
    with pytest.raises(CollectionError) as caught:
        request(**options)
    assert words in caught.value.msg


def test_sparse_paths_are_no_patterns():
    assert sparse_patterns(["api", "a*b/[c]"]) == "/api\n/a\\*b/\\[c]\n"


def test_sparse_paths_are_normalised_and_sorted():
    assert request(sparse=["web/", "./api", "web"]).sparse == ("api", "web")


def test_each_choice_of_paths_has_a_work_tree_of_its_own():
    assert worktree_name(COMMIT, "") == "aaaaaaaaaaaa"
    names = {worktree_name(COMMIT, patterns) for patterns in ("", "/api\n", "/web\n")}
    assert len(names) == 3
