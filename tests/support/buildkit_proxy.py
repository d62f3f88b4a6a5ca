# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A remote BuildKit node for tests: hands connections on to the BuildKit inside a Docker engine.

The engine serves BuildKit's gRPC on its own socket to whoever asks ``POST /grpc`` with ``Upgrade: h2c``; the driver
``remote`` of buildx wants an address that speaks gRPC from the first byte. Used as::

    python3 buildkit_proxy.py 127.0.0.1:0 [--engine /var/run/docker.sock] [--plain] [--pid-file FILE] [--address-file FILE]

With ``--plain`` it hands out the engine itself, for an engine that can go away. Port 0 takes a free
port. The address goes to standard output, and to the address file once connections are accepted.
The program runs until it gets SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import threading

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
CHUNK = 65536


def open_engine(path: str, plain: bool) -> tuple[socket.socket, bytes]:
    """A connection to the engine, or to its gRPC, and what it said after its headers.

    :raises ConnectionError: the engine does not upgrade the connection.
    """
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(path)
    if plain:
        return engine, b""
    engine.sendall(UPGRADE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = engine.recv(CHUNK)
        if not received:
            raise ConnectionError("the engine closed the connection")
        answer += received
    headers, _end, rest = answer.partition(b"\r\n\r\n")
    if b" 101 " not in headers.split(b"\r\n")[0]:
        raise ConnectionError(f"the engine answered {headers!r}")
    return engine, rest


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source ends, then end the sink's input."""
    try:
        while True:
            received = source.recv(CHUNK)
            if not received:
                break
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: end both, so that the opposite pump ends too.
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def serve_client(client: socket.socket, engine_path: str, plain: bool) -> None:
    with client:
        engine, rest = open_engine(engine_path, plain)
        with engine:
            client.sendall(rest)
            back = threading.Thread(target=pump, args=(engine, client), daemon=True)
            back.start()
            pump(client, engine)
            back.join()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("listen", help="HOST:PORT")
    parser.add_argument("--engine", default="/var/run/docker.sock")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--pid-file")
    parser.add_argument("--address-file")
    options = parser.parse_args()
    host, _colon, port = options.listen.rpartition(":")
    with socket.create_server((host, int(port))) as server:
        address = f"{host}:{server.getsockname()[1]}"
        if options.pid_file:
            write(options.pid_file, str(os.getpid()))
        if options.address_file:
            write(options.address_file, address)
        print(address, flush=True)
        while True:
            client, _peer = server.accept()
            threading.Thread(target=serve_client, args=(client, options.engine, options.plain), daemon=True).start()


def write(path: str, text: str) -> None:
    """Write a whole file at once: whoever waits for it never reads half of it."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    main()
