# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.cli import Cli
from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import (
    FILE,
    LINK,
    Entry,
    blob_id,
    context_digest,
    escaping_links,
    ignore_file_names,
    visible_entries,
)
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import open_context
from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import parse_ignore

FILES = tuple(Entry(path, FILE, False, "0" * 40) for path in ("README.md", "api/app.py", "web/page.js"))
GIT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def execute(args, data=None, environ_update=None, cwd=None, handle_exceptions=True):
    completed = subprocess.run(
        args, input=data, env={**GIT, **environ_update}, cwd=cwd, capture_output=True, text=True, check=False
    )
    return completed.returncode, completed.stdout, completed.stderr


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "api/bin").mkdir(parents=True)
    (root / "api/app.py").write_text("print('grüß')\n")
    (root / "api/bin/start").write_text("#!/bin/sh\n")
    (root / "api/bin/start").chmod(0o775)
    (root / "api/link").symlink_to("app.py")
    (root / "api/ein name.txt").write_bytes(b"\x00\xff\r\n")
    (root / "README.md").write_text("x")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=root, env=GIT, check=True)
    return root


@pytest.fixture
def commit(repository):
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.strip()


def open_(path, commit=None):
    return open_context(str(path), commit, Cli(execute, "git"))


def test_a_commit_and_its_files_have_one_digest(repository, commit):
    from_commit, from_folder = open_(repository / "api", commit).entries(), open_(repository / "api").entries()
    assert context_digest(from_commit) == context_digest(from_folder)
    assert [entry.path for entry in from_commit] == ["app.py", "bin/start", "ein name.txt", "link"]
    assert [entry.executable for entry in from_commit] == [False, True, False, False]


def test_the_work_tree_does_not_count_for_a_commit(repository, commit):
    before = context_digest(open_(repository / "api", commit).entries())
    (repository / "api/app.py").write_text("changed")
    assert context_digest(open_(repository / "api", commit).entries()) == before
    assert context_digest(open_(repository / "api").entries()) != before


@pytest.mark.parametrize("from_commit", [True, False], ids=["commit", "folder"])
def test_export_normalises_modes(repository, commit, tmp_path, from_commit):
    os.chmod(repository / "api/app.py", 0o600)
    reader = open_(repository / "api", commit if from_commit else None)
    target = tmp_path / "out"
    reader.export(reader.entries(), str(target))
    assert (target / "ein name.txt").read_bytes() == b"\x00\xff\r\n"
    assert os.readlink(target / "link") == "app.py"
    modes = {path.name: oct(path.lstat().st_mode & 0o777) for path in target.rglob("*") if not path.is_symlink()}
    assert modes == {"app.py": "0o644", "bin": "0o755", "start": "0o755", "ein name.txt": "0o644"}


def test_touching_a_file_changes_nothing(repository):
    before = context_digest(open_(repository).entries())
    os.utime(repository / "README.md", (1, 1))
    os.chmod(repository / "README.md", 0o640)
    assert context_digest(open_(repository).entries()) == before


def test_git_folder_is_never_part(repository):
    assert not any(entry.path.startswith(".git/") for entry in open_(repository).entries())
    assert open_(repository).at_root
    assert not open_(repository / "api").at_root


def test_read_of_a_missing_file(repository, commit):
    assert open_(repository / "api", commit).read("no") is None
    assert open_(repository / "api").read("no") is None
    assert open_(repository / "api", commit).read("bin") is None


def test_a_file_that_changes_meanwhile_is_an_error(repository, tmp_path):
    reader = open_(repository / "api")
    entries = reader.entries()
    (repository / "api/app.py").write_text("changed")
    with pytest.raises(CollectionError, match="changed while"):
        reader.export(entries, str(tmp_path / "out"))


def test_missing_things_name_what_makes_them(tmp_path, repository):
    with pytest.raises(MissingPrerequisite, match="not a folder"):
        open_(tmp_path / "no").entries()
    with pytest.raises(MissingPrerequisite, match="no Git repository"):
        open_(tmp_path, "0" * 40)
    with pytest.raises(MissingPrerequisite, match="does not have commit 0{40}"):
        open_(repository / "api", "0" * 40)


def test_a_folder_that_a_commit_lacks(repository, commit):
    with pytest.raises(CollectionError, match="cannot read no of commit"):
        open_(repository / "no", commit).entries()


def test_a_pipe_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CollectionError, match="neither file, folder nor link"):
        open_(tmp_path).entries()


def test_blob_id_is_gits(repository):
    wanted = subprocess.run(
        ["git", "hash-object", "api/app.py"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert blob_id((repository / "api/app.py").read_bytes()) == wanted


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(Entry("b", FILE, False, "1"), id="path"),
        pytest.param(Entry("a", LINK, False, "1"), id="kind"),
        pytest.param(Entry("a", FILE, True, "1"), id="executable-bit"),
        pytest.param(Entry("a", FILE, False, "2"), id="content"),
    ],
)
def test_every_field_counts(changed):
    assert context_digest([changed]) != context_digest([Entry("a", FILE, False, "1")])


def test_order_does_not_count():
    assert context_digest(FILES) == context_digest(reversed(FILES))


@pytest.mark.parametrize(
    "ignore, copied, at_root, paths",
    [
        pytest.param("", None, False, ["README.md", "api/app.py", "web/page.js"], id="everything"),
        pytest.param("*.md", None, False, ["api/app.py", "web/page.js"], id="ignored"),
        pytest.param("", ("api",), True, ["api/app.py"], id="a-root-is-narrowed"),
        pytest.param("", ("api",), False, ["README.md", "api/app.py", "web/page.js"], id="a-folder-is-not"),
        pytest.param("", (".",), True, ["README.md", "api/app.py", "web/page.js"], id="a-root-copied-whole"),
        pytest.param("", None, True, ["README.md", "api/app.py", "web/page.js"], id="a-root-copied-who-knows-how"),
        pytest.param("*\n!api\n!README.md", ("api",), True, ["README.md", "api/app.py"], id="a-whitelist-is-enough"),
        pytest.param("", ("*.md", "api/*.py"), True, ["README.md", "api/app.py"], id="patterns"),
    ],
)
def test_visible_entries(ignore, copied, at_root, paths):
    assert [entry.path for entry in visible_entries(FILES, parse_ignore(ignore), copied, at_root)] == paths


def test_ignore_file_names():
    assert ignore_file_names("api/Dockerfile") == ("api/Dockerfile.dockerignore", ".dockerignore")


def test_escaping_links():
    links = [Entry("a/b", LINK, False, target) for target in ("../c", "../../c", "/etc", "d")]
    assert len(escaping_links(links)) == 2
