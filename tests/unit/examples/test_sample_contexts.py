# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the second generation's components see of the repository's root."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.imagefleet.dify.plugins.module_utils._image.context import visible_entries
from ansible_collections.imagefleet.dify.plugins.module_utils._image.context_reader import FolderContext
from ansible_collections.imagefleet.dify.plugins.module_utils._image.ignore import parse_ignore

SAMPLE = Path(__file__).parents[3] / "examples/sample_dify/generation_2"


@pytest.mark.parametrize(
    "component, beside",
    [
        pytest.param("api", [], id="api"),
        pytest.param("web", ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"], id="web"),
    ],
)
def test_a_component_sees_nothing_of_the_other(component, beside):
    reader = FolderContext(str(SAMPLE))
    rules = parse_ignore((SAMPLE / component / "Dockerfile.dockerignore").read_text())
    paths = [entry.path for entry in visible_entries(reader.entries(), rules, None, at_root=True)]
    assert [path for path in paths if not path.startswith(f"{component}/")] == beside
    assert len(paths) > len(beside)
    assert not any("Dockerfile" in path for path in paths)
