# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import (
    ARCHIVE,
    BUNDLE,
    REPOSITORY,
    Credentials,
    Source,
    mask,
    parse_source,
    require_one_kind,
)

GIVEN = Credentials("given", "word")


@pytest.mark.parametrize(
    "text, option, source",
    [
        pytest.param("https://host/x.git", "repo", Source("https://host/x.git", REPOSITORY, GIVEN), id="https"),
        pytest.param(
            "HTTPS://host:8443/x", "repo", Source("https://host:8443/x", REPOSITORY, GIVEN), id="scheme-in-capitals"
        ),
        pytest.param(
            "https://me:p%40ss@host/x",
            "repo",
            Source("https://host/x", REPOSITORY, Credentials("me", "p@ss")),
            id="user-info-becomes-credentials",
        ),
        pytest.param(
            "https://token@host/x", "repo", Source("https://host/x", REPOSITORY, Credentials("token", "")), id="token"
        ),
        pytest.param("ssh://git@host:22/x", "repo", Source("ssh://git@host:22/x", REPOSITORY), id="ssh-keeps-its-user"),
        pytest.param("ssh://git:pw@host/x", "repo", Source("ssh://git@host/x", REPOSITORY), id="ssh-loses-a-password"),
        pytest.param("git@host:team/x.git", "repo", Source("git@host:team/x.git", REPOSITORY), id="scp-like"),
        pytest.param("/srv/x/", "repo", Source("/srv/x", REPOSITORY), id="folder"),
        pytest.param("file:///srv/x", "repo", Source("file:///srv/x", REPOSITORY), id="file-url"),
        pytest.param("/srv/x.bundle", "repo", Source("/srv/x.bundle", BUNDLE), id="bundle"),
        pytest.param("/srv/x.bundle", "archive", Source("/srv/x.bundle", BUNDLE), id="bundle-as-archive"),
        pytest.param("/srv/x.tar.gz", "repo", Source("/srv/x.tar.gz", ARCHIVE), id="archive-as-repo"),
        pytest.param("/srv/download", "archive", Source("/srv/download", ARCHIVE), id="archive-by-option"),
        pytest.param(
            "https://host/x.zip?a=b", "repo", Source("https://host/x.zip?a=b", ARCHIVE, GIVEN), id="archive-with-query"
        ),
    ],
)
def test_parse_source(text, option, source):
    assert parse_source(text, option, GIVEN) == source


@pytest.mark.parametrize(
    "text, words",
    [
        pytest.param("", "no address", id="empty"),
        pytest.param("--upload-pack=touch /tmp/x", "starts with a dash", id="option"),
        pytest.param("https://host/a\nb", "control characters", id="newline"),
        pytest.param("ext::sh -c touch", "neither a URL", id="remote-helper"),
        pytest.param("ftp://host/x", "scheme ftp is not one of", id="scheme-unknown"),
        pytest.param("ssh://-oProxyCommand=x/y", "has no host", id="ssh-option-as-host"),
        pytest.param("ssh://-l@host/y", "user name starts with a dash", id="ssh-option-as-user"),
        pytest.param("file://other/srv/x", "no file of this host", id="file-elsewhere"),
        pytest.param("./x", "relative path", id="relative"),
        pytest.param("https:///x", "has no host", id="no-host"),
    ],
)
def test_what_is_no_source_is_refused(text, words):
    with pytest.raises(CollectionError) as caught:
        parse_source(text, "repo")
    assert words in caught.value.msg


def test_refusal_shows_no_password():
    with pytest.raises(CollectionError) as caught:
        parse_source("ftp://me:secret@host/x", "repo")
    assert "secret" not in caught.value.msg


@pytest.mark.parametrize(
    "text, masked",
    [
        pytest.param("fatal: https://me:pw@host/x gone", "fatal: https://***@host/x gone", id="user-and-password"),
        pytest.param("https://tok@a/ http://b:c@d/", "https://***@a/ http://***@d/", id="two"),
        pytest.param("https://host/x@y", "https://host/x@y", id="at-sign-in-path"),
        pytest.param("git@host:x", "git@host:x", id="scp-like"),
    ],
)
def test_mask(text, masked):
    assert mask(text) == masked


def test_credentials_do_not_print_their_password():
    assert "word" not in repr(Source("https://host/x", REPOSITORY, GIVEN))


def test_an_archive_is_no_mirror_of_a_repository():
    with pytest.raises(CollectionError, match="cannot be mirrors of each other"):
        require_one_kind([Source("/x", REPOSITORY), Source("/x.tar", ARCHIVE)])
    require_one_kind([Source("/x", REPOSITORY), Source("/x.bundle", BUNDLE)])
