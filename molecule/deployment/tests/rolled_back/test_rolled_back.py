# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first version is back, with what was written with it and without what was written since."""

from __future__ import annotations


def test_the_first_version_answers(version):
    assert version == "0.15.90"


def test_the_notes_are_those_of_the_backup(notes):
    assert "ours" in notes
    assert "written since" not in notes
