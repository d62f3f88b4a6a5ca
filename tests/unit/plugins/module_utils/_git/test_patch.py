# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._git.patch import (
    Patch,
    explain_patch,
    patches_digest,
    patches_message,
    read_patches,
)

TEXT = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"


# As git 2.39.5 prints it.
@pytest.mark.parametrize(
    "stderr, words",
    [
        pytest.param(
            "error: patch failed: api/a.py:12\nerror: api/a.py: patch does not apply\n",
            "api/a.py is different around line 12",
            id="context-differs",
        ),
        pytest.param("error: api/nope: does not exist in index\n", "api/nope does not exist", id="file-missing"),
        pytest.param("error: api/a: already exists in index\n", "api/a exists already", id="file-there"),
        pytest.param(
            'error: No valid patches in input (allow with "--allow-empty")\n', "there is no patch in it", id="no-patch"
        ),
        pytest.param("error: corrupt patch at line 7\n", "corrupt patch at line 7", id="corrupt"),
        pytest.param(
            "error: patch failed: a:1\nerror: a: patch does not apply\nerror: b: does not exist in index\n",
            "a is different around line 1; b does not exist",
            id="two-files",
        ),
    ],
)
def test_explain_patch(stderr, words):
    assert explain_patch(stderr) == words


def test_text_and_file_are_the_same_patch(tmp_path):
    path = tmp_path / "x.patch"
    path.write_text(TEXT)
    from_text, from_file = read_patches([TEXT, str(path)])
    assert from_text.digest == from_file.digest == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (from_text.name, from_file.name) == ("number 1", str(path))


def test_a_newline_that_templating_ate_is_put_back():
    assert read_patches([TEXT.rstrip("\n")]) == read_patches([TEXT])


def test_the_message_names_no_file():
    there, here = Patch("/there/x.patch", b"x"), Patch("/here/x.patch", b"x")
    assert patches_message([there]) == patches_message([here])
    assert "/here" not in patches_message([here])


def test_the_order_of_patches_counts():
    first, second = Patch("1", b"x"), Patch("2", b"y")
    assert patches_digest([first, second]) != patches_digest([second, first])


def test_missing_patch_waits_for_the_task_that_writes_it(tmp_path):
    with pytest.raises(MissingPrerequisite, match="is not on this host"):
        read_patches([str(tmp_path / "x.patch")])


def test_a_folder_is_no_patch(tmp_path):
    with pytest.raises(CollectionError, match="cannot be read"):
        read_patches([str(tmp_path)])
