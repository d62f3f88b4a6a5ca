# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module as Ansible would, without a playbook around it: a warm process that forks for each call.

A playbook costs more than a second, a call here some 20 ms, so that tables of hundreds of states and arguments are tried
with the real module, its real arguments and its real exit. As a program it reads one JSON line per call,
``{"module", "args", "check", "environment"}``, and answers with one of ``{"result", "rc", "output"}``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "ansible_collections.imagefleet.dify.plugins.modules"


class ModuleRunner:
    """A warm process. ``run`` returns the module's result, with ``failed`` when it failed.

    :param within: a command that runs another one, such as ``unshare``.
    """

    def __init__(self, within=()) -> None:
        self.process = subprocess.Popen(
            [*within, sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
        )

    def run(self, module, check=False, process_environment=None, **args):
        """The module's result.

        :raises AssertionError: the module printed no result, or a traceback, or another status than its result says.
        """
        call = {"module": module, "args": args, "check": check, "environment": process_environment or {}}
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        result = answer["result"]
        assert result is not None, f"{module} gave no result: {answer['output']}"
        assert "Traceback" not in json.dumps(answer), f"{module} shows a traceback: {answer}"
        assert (answer["rc"] != 0) == bool(result.get("failed")), answer
        return result

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def serve():
    for line in sys.stdin:
        call = json.loads(line)
        # Imported here and kept, so that a fork finds it.
        importlib.import_module(f"{PACKAGE}.{call['module']}")
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            os._exit(_call(write, **call))
        os.close(write)
        with os.fdopen(read) as pipe:
            output = pipe.read()
        _pid, status = os.waitpid(child, 0)
        answer = {"result": _last_object(output), "rc": os.waitstatus_to_exitcode(status), "output": output}
        print(json.dumps(answer), flush=True)


def _call(write, module, args, check, environment):
    """In the child: the module's main with its output in the pipe."""
    from ansible.module_utils.testing import patch_module_args

    os.environ.update(environment)
    os.chdir(environment.get("HOME", "."))
    os.dup2(write, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = io.TextIOWrapper(os.fdopen(write, "wb"), write_through=True)
    code = 0
    with tempfile.TemporaryDirectory(prefix="module-runner-") as folder:
        given = {**args, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": folder}
        try:
            with patch_module_args(given):
                sys.modules[f"{PACKAGE}.{module}"].main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:  # noqa: BLE001  # whatever it is, the caller is to see it
            traceback.print_exc(file=sys.stdout)
            code = 99
        with contextlib.suppress(Exception):
            import atexit

            atexit._run_exitfuncs()
    sys.stdout.flush()
    return code


def _last_object(output):
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    return None


if __name__ == "__main__":
    serve()
