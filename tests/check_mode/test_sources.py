# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""source_checkout over generated states of the source and of ``dest``."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.git_repository import git

PATCH = """\
--- a/api/app.py
+++ b/api/app.py
@@ -1 +1 @@
-version = 2
+version = "2, ours"
"""


def commit(folder, number):
    (folder / "api").mkdir(exist_ok=True)
    (folder / "api" / "app.py").write_text(f"version = {number}\n")
    (folder / "web.js").write_text(f"{number}\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", str(number))


@pytest.fixture
def upstream(tmp_path):
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        commit(folder, number)
        git(folder, "tag", f"{number}.0")
    return folder


STATES = st.sampled_from(
    ["missing", "empty", "first", "second", "patched", "edited", "file removed", "git locked", "not ours", "a file"]
)
WANTED = st.fixed_dictionaries(
    {"ref": st.sampled_from(["1.0", "2.0", "main", "3.0", "v2.0"])},
    optional={"sparse": st.sampled_from([["api"], ["nothing"]]), "depth": st.just(1), "patches": st.just(True)},
)


def arrange(modules, upstream, dest, state, patch):
    shutil.rmtree(dest, ignore_errors=True)
    dest.unlink(missing_ok=True) if dest.is_file() else None
    if state == "empty":
        dest.mkdir()
    elif state == "not ours":
        dest.mkdir()
        (dest / "mine").write_text("")
    elif state == "a file":
        dest.write_text("")
    elif state != "missing":
        wanted = {"first": {"ref": "1.0"}, "patched": {"ref": "2.0", "patches": [patch]}}.get(state, {"ref": "2.0"})
        path = modules.run("source_checkout", repo=str(upstream), dest=str(dest), **wanted)["path"]
        if state == "edited":
            with open(f"{path}/api/app.py", "a") as file:
                file.write("# mine\n")
        if state == "file removed":
            os.unlink(f"{path}/web.js")
        if state == "git locked":
            (dest / "repository.git" / "HEAD.lock").write_text("")


@given(state=STATES, wanted=WANTED, moved=st.booleans())
def test_source_checkout(truth, modules, upstream, tmp_path, state, wanted, moved):
    dest = tmp_path / "dest"
    patch = tmp_path / "one.patch"
    patch.write_text(PATCH)
    arrange(modules, upstream, dest, state, str(patch))
    if moved:
        commit(upstream, 3 + len(git(upstream, "log", "--format=%h").split()))
    if wanted.get("patches"):
        wanted = {**wanted, "patches": [str(patch)]}
    # Whether a commit has a path, and takes a patch, can be known when its objects are here.
    fetching_tells = "sparse" in wanted or "patches" in wanted
    store = None if state in ("not ours", "a file") else dest
    truth(
        "source_checkout", only_trying_tells=fetching_tells, store=store, repo=str(upstream), dest=str(dest), **wanted
    )


@given(change=st.sampled_from(["none", "edited", "new file", "file removed"]))
def test_a_users_own_folder(truth, upstream, change):
    git(upstream, "reset", "--hard", "--quiet", "2.0")
    git(upstream, "clean", "-fdq")
    if change == "edited":
        (upstream / "web.js").write_text("mine")
    if change == "new file":
        (upstream / "new").write_text("mine")
    if change == "file removed":
        (upstream / "web.js").unlink()
    result = truth("source_checkout", repo=str(upstream), allow_dirty=True)
    assert (result["changed"], result["dirty"]) == (False, change != "none")


@given(
    present=st.sampled_from([["api/Dockerfile"], ["web/Dockerfile", "web/a"], []]),
    copied=st.sampled_from(["a", "web/a", "nowhere"]),
    by=st.sampled_from(["files", "commit", "another commit", "no folder"]),
)
def test_source_profile(truth, upstream, present, copied, by):
    git(upstream, "reset", "--hard", "--quiet", "2.0")
    for path in present:
        (upstream / path).parent.mkdir(exist_ok=True)
        (upstream / path).write_text(f"FROM base\nCOPY {copied} /\n")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--allow-empty", "--message", "profile")
    arguments = {"path": str(upstream / "no" if by == "no folder" else upstream)}
    if "commit" in by:
        arguments["commit"] = git(upstream, "rev-parse", "HEAD").strip() if by == "commit" else "a" * 40
    truth("source_profile", **arguments)
