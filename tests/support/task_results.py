# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of a playbook's tasks, as the callback beside this file writes them."""

from __future__ import annotations

import json
from pathlib import Path

CALLBACKS = Path(__file__).resolve().parent / "callback"


def recording_to(path):
    """The environment in which ansible-playbook adds its results to a file."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "IMAGEFLEET_TASK_RESULTS": str(path),
    }


def read_results(path):
    """Dictionaries of ``task``, ``action``, ``host``, ``status``, ``path`` and ``result``, in the order of their end."""
    return [json.loads(line) for line in path.read_text().splitlines()]
