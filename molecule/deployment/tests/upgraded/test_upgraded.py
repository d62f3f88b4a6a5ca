# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second version has what was written with the first."""

from __future__ import annotations


def test_the_second_version_answers(version, state):
    assert version == "1.15.90"
    assert state["previous"].startswith("0.15.90-")


def test_what_was_written_before_is_there(notes):
    assert "ours" in notes


def test_a_backup_was_made_before_the_migration(host):
    backups = host.file("/opt/dify/backups").listdir()
    assert [name.split("-")[0] for name in backups] == ["0.15.90"]
