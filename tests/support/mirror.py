# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirror of package registries, and a proxy, that write down what is asked of them. What they answer is the real thing."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSWORD = "hunter2-mirror"
LOGIN = "Basic " + base64.b64encode(f"ci:{PASSWORD}".encode()).decode()


class Mirror:
    """What a server was asked for.

    :ivar requests: paths of the mirror, and ``CONNECT host:port`` of the proxy, in their order.
    :ivar logins: the ``Authorization`` headers that came with them.
    """

    def __init__(self, address: str, upstreams: dict[str, str]) -> None:
        self.requests: list[str] = []
        self.logins: set[str] = set()
        self.server = ThreadingHTTPServer((address, 0), _handler(self, upstreams))
        self.server.daemon_threads = True
        self.host = f"{address}:{self.server.server_port}"

    def url(self, path: str, login: bool = False) -> str:
        return f"http://{f'ci:{PASSWORD}@' if login else ''}{self.host}{path}"

    def asked(self, start: str) -> list[str]:
        return [request for request in self.requests if request.startswith(start)]


@contextlib.contextmanager
def running_mirror(address: str, upstreams: dict[str, str]):
    """Serve on a port of its own.

    :param upstreams: addresses by the start of the path under which they appear.
    """
    mirror = Mirror(address, upstreams)
    threading.Thread(target=mirror.server.serve_forever, daemon=True).start()
    try:
        yield mirror
    finally:
        mirror.server.shutdown()
        mirror.server.server_close()


def _handler(mirror: Mirror, upstreams: dict[str, str]):  # noqa: C901 - one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path.startswith("http://"):
                mirror.requests.append(f"GET {self.path}")
                self._answer(self.path)
                return
            mirror.requests.append(self.path)
            mirror.logins.add(self.headers.get("Authorization") or "")
            start = next((start for start in upstreams if self.path.startswith(start)), None)
            if start is None:
                self.send_error(404)
            else:
                self._answer(upstreams[start] + self.path[len(start) :])

        def do_HEAD(self):
            self.do_GET()

        def do_CONNECT(self):
            mirror.requests.append(f"CONNECT {self.path}")
            host, _colon, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), 30) as other:
                self.send_response(200)
                self.end_headers()
                _pump(self.connection, other)
            self.close_connection = True

        def _answer(self, url):
            wanted = {name: self.headers[name] for name in ("Accept", "Range") if self.headers.get(name)}
            try:
                with urllib.request.urlopen(urllib.request.Request(url, headers=wanted), timeout=60) as answer:
                    body, status, kind = answer.read(), answer.status, answer.headers.get("Content-Type", "")
            except urllib.error.HTTPError as error:
                body, status, kind = error.read(), error.code, error.headers.get("Content-Type", "")
            if "html" in kind or "json" in kind:
                # A mirror's pages lead to the mirror itself.
                for start, upstream in upstreams.items():
                    body = body.replace(upstream.encode(), f"http://{self.headers['Host']}{start}".encode())
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_arguments):
            """What was asked is in the list."""

    return Handler


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _write, _errors = select.select([one, other], [], [], 60)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
