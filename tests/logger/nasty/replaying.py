"""Plays a nasty exchange against a logger, and tells what the client saw."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass

import h11

from tests.logger.nasty.answers import NastyAnswer
from tests.logger.nasty.model import ANSWER_PATH
from tests.logger.nasty.requests import Nasty

_PAUSE_SECONDS = 0.002
_PATIENCE_SECONDS = 60.0
_HEAD_BYTES = 1 << 20


@dataclass(frozen=True)
class Seen:
    """An answer as a strict reader took it; status 0: none began. Not `whole`: it broke off."""

    status: int = 0
    body: bytes = b""
    whole: bool = False


def connected(address: str) -> socket.socket:
    host, port = address.split(":")
    sock = socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def play(address: str, nasty: Nasty) -> list[Seen]:
    """The answers that came, as far as the client waited for any."""
    with connected(address) as sock, contextlib.suppress(ConnectionError):
        with contextlib.suppress(ConnectionError):
            for piece in nasty.pieces:
                sock.sendall(piece)
                time.sleep(_PAUSE_SECONDS)
            if nasty.ending == "shut":
                sock.shutdown(socket.SHUT_WR)
        if nasty.ending in ("read", "shut"):
            method = nasty.pieces[0].lstrip().partition(b" ")[0]
            return answers(sock, method, nasty.answers)
        if nasty.ending == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return []


def asked_for(address: str, answer: NastyAnswer) -> Seen:
    """What the client sees when the model answers so."""
    target = path_of(answer).encode()
    fields = b"Content-Length: 0\r\n" if answer.method == "POST" else b""
    head = b"%b %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (answer.method.encode(), target, fields)
    with connected(address) as sock:
        sock.sendall(head)
        return answers(sock, answer.method.encode(), 1)[0]


def path_of(answer: NastyAnswer) -> str:
    """Where the model gives that answer."""
    return ANSWER_PATH.decode() + answer.name.replace(" ", "_")


def answers(sock: socket.socket, method: bytes, count: int) -> list[Seen]:
    """So many answers, fewer when the connection ends before."""
    found: list[Seen] = []
    reading = _reader(method)
    for _ in range(count):
        found.append(_answer(sock, reading))
        if not found[-1].whole or reading.their_state is not h11.DONE:
            break
        left, _ = reading.trailing_data
        reading = _reader(method)
        if left:
            reading.receive_data(left)
    return found


def _reader(method: bytes) -> h11.Connection:
    """It is told that a request of that method went out, since HEAD has answers of its own."""
    reading = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
    known = method if method in (b"HEAD", b"POST", b"GET") else b"GET"
    reading.send(h11.Request(method=known, target="/", headers=[("Host", "a")]))
    reading.send(h11.EndOfMessage())
    return reading


def _answer(sock: socket.socket, reading: h11.Connection) -> Seen:
    status, body = 0, []
    try:
        while True:
            event = reading.next_event()
            if event is h11.NEED_DATA:
                reading.receive_data(sock.recv(1 << 18))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return Seen(status, b"".join(body), whole=True)
            elif isinstance(event, h11.ConnectionClosed):
                return Seen(status, b"".join(body))
    except (h11.RemoteProtocolError, ConnectionError):
        return Seen(status, b"".join(body))
