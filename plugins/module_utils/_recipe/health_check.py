# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an optimised image is asked whether it does its work. Pure.

The api's image is started as several things: only one of them answers to HTTP.
"""

from __future__ import annotations

import json
from typing import Mapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._recipe.root import HEALTH_CHECK

#: Migrations on a large database take their time, and so does a first start on a slow disk.
INSTRUCTION = (
    f"HEALTHCHECK --interval=30s --timeout=20s --start-period=180s --retries=3 CMD {json.dumps([HEALTH_CHECK])}"
)

_PYTHON = """\
#!/usr/bin/env python3
\"\"\"Whether this container does the work that MODE names: the api answers, a worker takes messages, others run.\"\"\"

import os
import pathlib
import socket
import subprocess
import sys
import urllib.request


def is_running(word):
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\\0")
        except OSError:
            continue
        if any(argument == word or argument.endswith(b"/" + word) for argument in arguments[:3]):
            return True
    return False


def answers():
    port = os.environ.get("DIFY_PORT") or "@PORT@"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/health", timeout=15) as response:
        return response.status == 200


def takes_messages():
    if not is_running(b"celery"):
        return False
    broker = os.environ.get("CELERY_BROKER_URL", "")
    # Sentinels and TLS have settings that only the program itself reads: there, a process that runs has to do.
    if not broker.startswith(("redis://", "amqp://")) or os.environ.get("CELERY_USE_SENTINEL", "").lower() == "true":
        return True
    names = ["-d", f"celery@{socket.gethostname()}"]
    ping = ["celery", "inspect", "ping", "--timeout", "10", *names]
    return subprocess.run(ping, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


mode = os.environ.get("MODE") or "api"
try:
    healthy = {"api": answers, "worker": takes_messages, "beat": lambda: is_running(b"celery")}.get(mode, lambda: True)()
except OSError as error:
    sys.exit(f"{mode}: {error}")
sys.exit(0 if healthy else f"{mode} does not do its work")
"""

_NODE = """\
#!/usr/bin/env node
// Whether the pages are served. A redirection to one of them is an answer too. Next listens where HOSTNAME says, and by default
// that is the container's own name.
const path = (process.env.NEXT_PUBLIC_BASE_PATH || "") + "/";
const hosts = ["127.0.0.1", require("os").hostname()];
function ask() {
  const request = require("http").get(
    { host: hosts.shift(), port: process.env.PORT || 3000, path, timeout: 15000 },
    (response) => process.exit(response.statusCode < 500 ? 0 : 1),
  );
  request.on("timeout", () => request.destroy(new Error("no answer in 15 s")));
  request.on("error", (error) => {
    if (hosts.length) return ask();
    console.error(error.message);
    process.exit(1);
  });
}
ask();
"""


def python_check(exposes: Sequence[int], environment: Mapping[str, str]) -> str:
    """A program for the image of the api: what it is asked follows ``MODE``, as its entrypoint does."""
    return _PYTHON.replace("@PORT@", environment.get("DIFY_PORT") or str(exposes[0] if exposes else 5001))


def node_check() -> str:
    """A program for the image of the pages."""
    return _NODE
