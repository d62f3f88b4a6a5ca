# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of roles share: a play that writes files for hosts, all of which are this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest

Written = Callable[[str, str], str]


@pytest.fixture(scope="session")
def write_for(
    tmp_path_factory: pytest.TempPathFactory, playbook_environment: Mapping[str, str]
) -> Callable[[Mapping[str, Mapping[str, Any]], Mapping[str, Any]], Written]:
    """``write_for(hosts, play)``: run the play for hosts with these variables, and ``folder`` to write to.

    Returns what reads of it: ``written(host, file)``.
    """

    def write(hosts: Mapping[str, Mapping[str, Any]], play: Mapping[str, Any]) -> Written:
        root = tmp_path_factory.mktemp("hosts")
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {name: {**local, **variables, "folder": str(root / name)} for name, variables in hosts.items()}
        for name in hosts:
            Path(root, name).mkdir()
        (root / "inventory.json").write_text(json.dumps({"all": {"hosts": inventory}}))
        (root / "play.yml").write_text(json.dumps([play]))
        command = ["ansible-playbook", "-i", str(root / "inventory.json"), str(root / "play.yml")]
        done = subprocess.run(
            command, env=playbook_environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return lambda host, file: Path(root, host, file).read_text()

    return write
