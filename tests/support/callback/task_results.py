# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the result of each task of each host as a line of JSON to the file that IMAGEFLEET_TASK_RESULTS names."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_results
type: aggregate
short_description: For tests, results of tasks as lines of JSON
description: Writes to the file that IMAGEFLEET_TASK_RESULTS names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.file = open(os.environ["IMAGEFLEET_TASK_RESULTS"], "a", encoding="utf-8")  # noqa: SIM115

    def _write(self, result, status):
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        returned = result.result if hasattr(result, "result") else result._result
        facts = {
            "task": task.get_name(),
            "action": task.action,
            "host": host.get_name(),
            "status": status,
            "path": task.get_path(),
        }
        self.file.write(json.dumps({**facts, "result": returned}, default=str) + "\n")
        self.file.flush()

    def v2_runner_on_ok(self, result):
        self._write(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result, "failed")

    def v2_runner_on_skipped(self, result):
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self._write(result, "unreachable")
