# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.written_folder import (
    WrittenFolder,
    changed_files,
    folder_diff,
)

MARK = "# ours"
FILES = {"Dockerfile": b"# ours\nFROM x\n", "files/etc/x": b"\xff", "list.txt": b"a\n"}


@pytest.fixture
def folder(tmp_path):
    return WrittenFolder(str(tmp_path / "parent" / "api"), MARK, "Dockerfile")


def modes(path):
    return {os.path.relpath(base, path): oct(os.stat(base).st_mode)[-3:] for base, _folders, _names in os.walk(path)}


def test_what_is_written_is_read(folder, tmp_path):
    assert folder.read() == {}
    before = os.umask(0o077)
    try:
        folder.replace(FILES)
    finally:
        os.umask(before)
    assert folder.read() == FILES
    assert set(modes(folder.path).values()) == {"755"}
    assert oct(os.stat(f"{folder.path}/files/etc/x").st_mode)[-3:] == "644"
    assert os.listdir(tmp_path / "parent") == ["api"]


def test_what_is_not_wanted_goes(folder):
    folder.replace(FILES)
    folder.replace({"Dockerfile": b"# ours\n"})
    assert os.listdir(folder.path) == ["Dockerfile"]


def test_without_files_there_is_no_folder(folder, tmp_path):
    folder.replace(FILES)
    folder.replace({})
    assert os.listdir(tmp_path / "parent") == []


def make_executable(path):
    os.chmod(f"{path}/list.txt", 0o755)


def make_a_link(path):
    os.unlink(f"{path}/list.txt")
    os.symlink("Dockerfile", f"{path}/list.txt")


def add_a_file(path):
    with open(f"{path}/files/more", "w"):
        pass


def add_a_folder(path):
    os.mkdir(f"{path}/files/more")


def close_a_folder(path):
    os.chmod(f"{path}/files", 0o700)


@pytest.mark.parametrize(
    "drift, change",
    [
        (make_executable, "list.txt"),
        (make_a_link, "list.txt"),
        (add_a_file, "files/more (gone)"),
        (add_a_folder, "files/more/ (gone)"),
        (close_a_folder, "files/ (gone)"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_drift_is_found_and_put_right(folder, drift, change):
    folder.replace(FILES)
    drift(folder.path)
    assert changed_files(folder.read(), FILES) == [change]
    folder.replace(FILES)
    assert changed_files(folder.read(), FILES) == []


def test_what_somebody_else_made_is_not_touched(folder):
    os.makedirs(folder.path)
    assert folder.read() == {}
    with open(f"{folder.path}/Dockerfile", "w") as file:
        file.write("FROM x\n")
    with pytest.raises(CollectionError, match=r"is not empty and was not made by this module \(it holds Dockerfile\)"):
        folder.read()


@pytest.mark.parametrize("make", [lambda path: open(path, "w").close(), lambda path: os.symlink("/etc", path)])
def test_what_is_no_folder_is_not_touched(folder, tmp_path, make):
    (tmp_path / "parent").mkdir()
    make(folder.path)
    with pytest.raises(CollectionError, match="is no folder"):
        folder.read()


def test_what_a_killed_run_left_goes_with_the_next(folder, tmp_path):
    (tmp_path / "parent" / ".api-killed" / "old").mkdir(parents=True)
    folder.replace(FILES)
    assert os.listdir(tmp_path / "parent") == ["api"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CollectionError, match="cannot be written"):
        WrittenFolder(str(tmp_path / "file" / "api"), MARK, "Dockerfile").replace(FILES)


def test_only_what_we_made_is_shown():
    wanted = {"Dockerfile": b"# ours\n", "files/key": b"hunter2"}
    diff = folder_diff({"Dockerfile": b"# ours\nFROM x\n", "gone": None}, wanted, {"Dockerfile"})
    assert diff == [
        {
            "before_header": "Dockerfile",
            "after_header": "Dockerfile",
            "before": "# ours\nFROM x\n",
            "after": "# ours\n",
        },
        {
            "before_header": "files/key",
            "after_header": "files/key",
            "before": "",
            "after": "sha256:f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7, 7 bytes\n",
        },
        {"before_header": "gone", "after_header": "gone", "before": "something else\n", "after": ""},
    ]
