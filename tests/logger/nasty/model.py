"""A model server that reads strictly (h11), notes whatever was smuggled to it, and misbehaves."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import h11

from tests.logger.nasty.answers import BY_NAME, NastyAnswer

ANSWER_PATH = b"/answer/"
"""Followed by the name of a nasty answer, with underscores for spaces and commas."""
_PAUSE_SECONDS = 0.005
_HEAD_BYTES = 1 << 20
NAMES = {name.replace(" ", "_"): name for name in BY_NAME}


@dataclass
class Model:
    """Echoes what it is asked; a target under `ANSWER_PATH` gets that answer, byte for byte."""

    port: int
    smuggled: list[bytes] = field(default_factory=list)
    """Requests that only ever stood inside of another one."""
    unreadable: list[str] = field(default_factory=list)
    """What h11 did not take: the proxy forwards nothing that a strict reader refuses."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def nasty_model() -> Iterator[Model]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    model = Model(listener.getsockname()[1])
    thread = threading.Thread(target=_accept, args=(listener, model), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _accept(listener: socket.socket, model: Model) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, model), daemon=True).start()


def _serve(connection: socket.socket, model: Model) -> None:
    with connection, contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while _serve_one(connection, _reader(), model):
            continue


def _serve_one(connection: socket.socket, reading: h11.Connection, model: Model) -> bool:
    """Whether another request may come; a proxy does not send it before this one's answer."""
    request = _request(connection, reading, model)
    if request is None:
        return False
    target, body = request
    if target.startswith(ANSWER_PATH):
        return _misbehave(connection, BY_NAME[NAMES[target[len(ANSWER_PATH) :].decode()]])
    return _echo(connection, reading, body)


def _request(
    connection: socket.socket, reading: h11.Connection, model: Model
) -> tuple[bytes, bytes] | None:
    """The next target and body; None when the peer is gone."""
    target, body = b"", []
    try:
        while True:
            event = reading.next_event()
            if event is h11.NEED_DATA:
                if reading.they_are_waiting_for_100_continue:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    reading.send(h11.InformationalResponse(status_code=100, headers=[]))
                reading.receive_data(connection.recv(1 << 18))
            elif isinstance(event, h11.Request):
                target = event.target
                if b"smuggled" in target:
                    model.smuggled.append(target)
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return target, b"".join(body)
            else:
                return None
    except h11.RemoteProtocolError as exc:
        if "peer unexpectedly closed" not in str(exc) and "without sending complete" not in str(
            exc
        ):
            model.unreadable.append(str(exc))
        return None


def _echo(connection: socket.socket, reading: h11.Connection, body: bytes) -> bool:
    """Whether another request may come."""
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    wire = reading.send(h11.Response(status_code=200, headers=fields)) or b""
    wire += reading.send(h11.Data(data=body)) or b""
    wire += reading.send(h11.EndOfMessage()) or b""
    connection.sendall(wire)
    return reading.our_state is h11.DONE and reading.their_state is h11.DONE


def _misbehave(connection: socket.socket, answer: NastyAnswer) -> bool:
    for piece in answer.pieces:
        connection.sendall(piece)
        time.sleep(_PAUSE_SECONDS)
    if answer.then == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return answer.then == "keep"


def _reader() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
