# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every folder under targets/ is one test: a role that ansible-playbook runs against the real engine and registry."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS = sorted(path.parent.parent.name for path in HERE.glob("targets/*/tasks/main.yml"))


def make_interpreter(folder: Path) -> Path:
    """Python by a path without spaces: tasks with ``async`` start it by a shell that would split one."""
    interpreter = folder / "python"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    return interpreter


@pytest.mark.parametrize("target", [name for name in TARGETS if not name.startswith("setup_")])
def test_target(target, run_playbook, registry, prefix, tmp_path):
    run_playbook(
        HERE / "run_target.yml",
        target=target,
        test_python=str(make_interpreter(tmp_path)),
        test_registry=registry,
        test_prefix=prefix,
        test_base=f"{registry}/bases/busybox:latest",
        test_dir=str(tmp_path),
        test_buildx_config=str(tmp_path / "buildx"),
    )
