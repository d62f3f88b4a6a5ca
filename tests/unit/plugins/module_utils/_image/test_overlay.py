# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import FolderContext
from ansible_collections.imagefleet.dify.plugins.module_utils._image.overlay import overlaid
from ansible_collections.imagefleet.dify.plugins.module_utils._image.request import ContextFile, Replacement


@pytest.fixture
def context(tmp_path):
    folder = tmp_path / "context"
    (folder / "i18n").mkdir(parents=True)
    (folder / "i18n/index.ts").write_text("a\nlocale: 'en-US',\nb\n")
    (folder / "start").write_text("#!/bin/sh\n")
    (folder / "start").chmod(0o755)
    (folder / "link").symlink_to("start")
    return FolderContext(str(folder))


def test_nothing_to_lay_over_is_the_context_itself(context):
    assert overlaid(context, (), ()) is context


def test_files_and_texts_are_those_of_the_overlay(context, tmp_path):
    (tmp_path / "logo").write_bytes(b"\x89\xff")
    files = (ContextFile("public/brand/logo.png", src=str(tmp_path / "logo")), ContextFile("start", content="x"))
    changed = overlaid(context, files, (Replacement("i18n/index.ts", "'en-US'", "'de-DE'"),))
    assert changed.read("i18n/index.ts") == b"a\nlocale: 'de-DE',\nb\n"
    paths = {entry.path: entry for entry in changed.entries()}
    assert list(paths) == ["i18n/index.ts", "link", "public/brand/logo.png", "start"]
    assert {path: entry.executable for path, entry in paths.items() if entry.executable} == {"start": True}
    changed.export([entry for entry in changed.entries() if entry.path != "link"], str(tmp_path / "out"))
    assert (tmp_path / "out/public/brand/logo.png").read_bytes() == b"\x89\xff"
    assert (tmp_path / "out/start").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/public/brand").stat().st_mode & 0o777 == 0o755
    assert "en-US" in (tmp_path / "context/i18n/index.ts").read_text()


@pytest.mark.parametrize(
    "files, replacements, message",
    [
        pytest.param((), (Replacement("none", "a", "b"),), "no file none", id="no-such-file"),
        pytest.param((), (Replacement("i18n/index.ts", "'fr'", "b"),), "0 times", id="no-such-text"),
        pytest.param((), (Replacement("i18n/index.ts", "\n", "b"),), "3 times", id="more-than-once"),
        pytest.param((), (Replacement("i18n/index.ts", "", "b"),), "0 times", id="nothing-to-replace"),
        pytest.param((ContextFile("x", src="/none"),), (), "/none on the host cannot be read", id="no-such-source"),
        pytest.param((ContextFile("link", content=""),), (), "is a link", id="a-link"),
        pytest.param((ContextFile("start/x", content=""),), (), "which is no folder", id="below-a-file"),
        pytest.param((ContextFile("i18n", content=""),), (), "is a folder", id="a-folder"),
    ],
)
def test_overlay_refuses(context, files, replacements, message):
    with pytest.raises(CollectionError, match=message):
        overlaid(context, files, replacements).entries()
