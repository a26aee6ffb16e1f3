"""HTTP servers on loopback that answer, byte by byte, what a test tells them to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import orjson

Answer = Callable[[socket.socket, bytes], None]
"""Gets the connection and a request's body, and sends what it likes."""


@dataclass
class Seen:
    """What a server was asked."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0


@contextmanager
def serving(answer: Answer) -> Iterator[Seen]:
    """A server, one thread a connection, that hands every request to `answer`."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        seen = Seen(f"http://127.0.0.1:{listening.getsockname()[1]}")
        Thread(target=_accept, args=(listening, seen, answer), daemon=True).start()
        try:
            yield seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def respond(connection: socket.socket, status: int, body: bytes, **headers: str) -> None:
    """One whole response."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Told\r\n{more}content-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def doubled(connection: socket.socket, body: bytes) -> None:
    """V2: the first input times two."""
    data = orjson.loads(body)["inputs"][0]["data"]
    values = [2.0 * value for value in data]
    output = {"name": "y", "datatype": "FP64", "shape": [len(values)], "data": values}
    respond(connection, 200, orjson.dumps({"model_name": "m", "outputs": [output]}))


def _accept(listening: socket.socket, seen: Seen, answer: Answer) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        seen.connections += 1
        Thread(target=_converse, args=(connection, seen, answer), daemon=True).start()


def _converse(connection: socket.socket, seen: Seen, answer: Answer) -> None:
    with connection, connection.makefile("rb") as stream:
        try:
            while head := _head(stream):
                length = int(
                    head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r")[0] or b"0"
                )
                body = stream.read(length)
                seen.heads.append(head)
                seen.requests.append(body)
                answer(connection, body)
        except OSError:
            return


def _head(stream: object) -> bytes:
    lines = []
    while line := stream.readline():  # type: ignore[attr-defined]
        lines.append(line)
        if line == b"\r\n":
            break
    return b"".join(lines)
