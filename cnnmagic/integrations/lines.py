"""Messages between processes of one training, over TCP: a head of plain JSON values, and bytes where it needs them."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

LENGTHS = struct.Struct(">IQ")
SECONDS_TO_CONNECT = 20.0


class LineBroken(ConnectionError):
    """The other end is gone."""


class Line:
    """One connection; any thread may send, one receives. `heard_at` is when bytes of a body came last, 0 for never."""

    def __init__(self, connection: socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)
        self._socket, self._sending = connection, threading.Lock()
        self.heard_at = 0.0

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a message; raises `LineBroken`."""
        told = json.dumps(head).encode()
        try:
            with self._sending:
                self._socket.sendall(LENGTHS.pack(len(told), len(body)) + told)
                if body:
                    self._socket.sendall(body)
        except OSError as error:
            raise LineBroken(str(error)) from error

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """The next message, as soon as it is there; raises `LineBroken`."""
        head, body = LENGTHS.unpack(b"".join(self._parts(LENGTHS.size)))
        told = json.loads(b"".join(self._parts(head)))
        parts: list[bytes] = []
        for part in self._parts(body):
            self.heard_at = time.monotonic()
            parts.append(part)
        return told, b"".join(parts)

    def close(self) -> None:
        """Close both ways; whoever waits for a message hears that the line is broken."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _parts(self, count: int) -> Iterator[bytes]:
        """The next bytes, as they come."""
        while count:
            try:
                part = self._socket.recv(min(count, 1 << 20))
            except OSError as error:
                raise LineBroken(str(error)) from error
            if not part:
                raise LineBroken("the other end has closed it")
            count -= len(part)
            yield part


def call(address: tuple[str, int], hello: dict[str, Any]) -> Line:
    """A line to a listening process, on which `hello` is said first; raises OSError."""
    line = Line(socket.create_connection(address, timeout=SECONDS_TO_CONNECT))
    try:
        line.send(hello)
    except LineBroken:
        line.close()
        raise
    return line


def answered(server: socket.socket, secret: str) -> tuple[Line, dict[str, Any]] | None:
    """The next line on which the secret is said, with what was said; None for one on which it is not.

    Raises OSError where the server is closed.
    """
    connection, _ = server.accept()
    line = Line(connection)
    connection.settimeout(SECONDS_TO_CONNECT)
    try:
        hello, _ = line.receive()
    except (LineBroken, ValueError):
        line.close()
        return None
    connection.settimeout(None)
    if hello.get("secret") != secret:
        line.close()
        return None
    return line, hello
