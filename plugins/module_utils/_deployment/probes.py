# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that are asked from inside of a deployment's containers, where its networks are. Each is a Python program."""

from __future__ import annotations

#: Sends the worker a task that every Celery has and waits until the worker's own count of it has grown.
WORKER = """\
import sys, time
import app
celery = getattr(app, "celery", None) or app.app.extensions["celery"]
queues, deadline = sys.argv[1].split(","), time.monotonic() + float(sys.argv[2])
name = "celery.backend_cleanup"
def done():
    stats = celery.control.inspect(timeout=5).stats() or {}
    return {worker: (value.get("total") or {}).get(name, 0) for worker, value in stats.items()}
before = done()
if not before:
    sys.exit("no worker answers")
celery.send_task(name, queue=queues[0])
while time.monotonic() < deadline:
    if sum(done().values()) > sum(before.values()):
        sys.exit(0)
    time.sleep(0.5)
sys.exit("no worker finished the task that queue " + queues[0] + " was given")
"""

#: Connects to ``HOST:PORT``.
CONNECT = """\
import socket, sys
host, _colon, port = sys.argv[1].rpartition(":")
try:
    host and socket.create_connection((host, int(port)), float(sys.argv[2])).close()
except OSError as error:
    sys.exit(str(error))
"""

#: Asks for an address through the proxy and prints the status.
PROXY = """\
import sys, urllib.request, urllib.error
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": sys.argv[1], "https": sys.argv[1]}))
try:
    print(opener.open(sys.argv[2], timeout=float(sys.argv[3])).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    sys.exit(str(error))
"""

#: Runs a program in the sandbox by its API and prints what came of it.
SANDBOX = """\
import json, os, sys, urllib.request
url = (os.environ.get("CODE_EXECUTION_ENDPOINT") or "http://sandbox:8194").rstrip("/") + "/v1/sandbox/run"
body = json.dumps({"language": "python3", "code": sys.argv[1], "preload": "", "enable_network": False}).encode()
headers = {"Content-Type": "application/json", "X-Api-Key": os.environ.get("CODE_EXECUTION_API_KEY", "")}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
answer = json.load(opener.open(urllib.request.Request(url, body, headers), timeout=float(sys.argv[2])))
data = answer.get("data") or {}
print(data.get("stdout") or "", data.get("error") or "", sep="|")
"""
IN_SANDBOX = "print(6 * 7)"
NETWORK_IN_SANDBOX = "import socket\nsocket.create_connection(('1.1.1.1', 53), 3)\nprint('connected')"
