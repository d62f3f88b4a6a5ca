# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry's timers run: the commands of a collection, and whose folders a backup takes for its own."""

from __future__ import annotations

import importlib.util
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles/registry/files/maintenance.py"
OLD = "20260101T020000.000000Z"
YOUNG = "20260102T020000.000000Z"


@pytest.fixture
def maintenance():
    spec = importlib.util.spec_from_file_location("registry_maintenance", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ran(maintenance, monkeypatch):
    """The commands that were run. They print nothing, and end well."""
    commands = []

    def run(command, **_options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(maintenance.subprocess, "run", run)
    return commands


@pytest.mark.parametrize(
    "there, left",
    [
        pytest.param([OLD, YOUNG], [YOUNG], id="the-oldest-goes"),
        pytest.param([YOUNG], [YOUNG], id="as-many-as-are-kept"),
        pytest.param([OLD, f"{YOUNG}.part"], [OLD], id="a-copy-that-was-not-finished"),
        pytest.param(
            [OLD, YOUNG, "lost+found", "0-others", "others.part", f"{OLD}-others"],
            [YOUNG, "lost+found", "0-others", "others.part", f"{OLD}-others"],
            id="folders-of-somebody-else",
        ),
        pytest.param(["0-others", "lost+found"], ["0-others", "lost+found"], id="only-those"),
    ],
)
def test_only_copies_are_counted_and_removed(maintenance, ran, tmp_path, there, left):
    directory = tmp_path / "copies"
    for name in there:
        (directory / name).mkdir(parents=True)
    files = {directory / name for name in ("notes", "notes.part")}
    for file in files:
        file.touch()
    done = maintenance.back_up(Namespace(storage=tmp_path / "images", directory=directory, keep=2))
    assert set(directory.iterdir()) == {*files, *(directory / name for name in left), Path(done["backup"])}
    assert done["removed"] == [str(directory / name) for name in there if name == OLD and name not in left]
