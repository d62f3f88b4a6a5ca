# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._core.written import write_whole


def test_file_is_whole_and_has_its_mode(tmp_path):
    path = tmp_path / "made/for/it.pem"
    before = os.umask(0o077)
    try:
        write_whole(str(path), "one\n", 0o644)
    finally:
        os.umask(before)
    assert path.read_text() == "one\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.with_name("it.pem.part").write_text("of a run that was killed")
    write_whole(str(path), "two\n", 0o600)
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["it.pem"]


def test_where_it_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CollectionError, match="file/below cannot be written: (Not a directory|File exists)"):
        write_whole(str(tmp_path / "file/below"), "", 0o600)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CollectionError, match="folder cannot be written"):
        write_whole(str(tmp_path / "folder"), "", 0o600)
