# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry as it is while its garbage is collected: what stands before a real one, and refuses what it is told to."""

from __future__ import annotations

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

CLOSED = (503, '{"errors":[{"code":"UNAVAILABLE","message":"collecting garbage"}]}')
COLLECTED = (
    400,
    '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","detail":"sha256:0"}]}',
)


class Server(ThreadingHTTPServer):
    """:ivar registry, refusal: of :func:`before`."""

    def __init__(self, registry, refusal):
        super().__init__(("127.0.0.1", 0), Handler)
        self.registry, self.refusal = registry, refusal


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        """TLS gets the answer of a Go server, after which clients try without."""
        if self.rfile.peek(1)[:1] == b"\x16":
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
        else:
            super().handle_one_request()

    def pass_on(self):
        body = self._body()
        refused = self.server.refusal(self.command, self.path)
        if refused:
            status, text = refused
            return self._answer(status, {"Retry-After": "1", "Content-Type": "application/json"}, text.encode())
        connection = http.client.HTTPConnection(self.server.registry, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        self._answer(answer.status, dict(answer.getheaders()), answer.read())
        return connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - names of http.server

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status, headers, content):
        self.send_response(status)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        for name, value in {**headers, "Content-Length": length}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_arguments):
        """Quiet."""


@contextlib.contextmanager
def before(registry: str, refusal: Callable[[str, str], tuple[int, str] | None]):
    """An address on loopback that passes requests on, but for those that ``refusal(method, path)`` has an answer to."""
    server = Server(registry, refusal)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
