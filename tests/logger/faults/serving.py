"""A server in a thread of this process: it reads sized requests and answers as a function says."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


@dataclass(frozen=True)
class Reply:
    """What goes back, and when; `data` None: nothing ever."""

    data: bytes | None
    after_seconds: float = 0.0


Answer = Callable[[bytes, bytes], Reply]
"""From the head and the body of a request to the reply."""


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(_HEAD % (status, len(body), body))


def echo(head: bytes, body: bytes) -> Reply:
    """A model that answers with what it was asked."""
    return reply(body)


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Answer, open_: set[asyncio.Transport]) -> None:
        self._answer = answer
        self._open = open_
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n") + 4) > 3:
            head = self._received[:end]
            found = _LENGTH.search(head)
            whole = end + (int(found[1]) if found else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end:whole], self._received[whole:]
            self._reply(self._answer(head, body))

    def _reply(self, reply: Reply) -> None:
        if reply.data is None:
            self._transport.pause_reading()
        elif reply.after_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(reply.after_seconds, self._write, reply.data)
        else:
            self._write(reply.data)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


@contextmanager
def serving(answer: Answer = echo, port: int = 0) -> Iterator[str]:
    """The server's address, ``http://127.0.0.1:PORT``."""
    loop = uvloop.new_event_loop()
    open_: set[asyncio.Transport] = set()
    listener = socket.create_server(("127.0.0.1", port))
    server = loop.run_until_complete(
        loop.create_server(lambda: _Connection(answer, open_), sock=listener)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for transport in tuple(open_):
            transport.abort()
        loop.run_until_complete(server.wait_closed())
        loop.close()


class Collecting:
    """A sink that takes every event and notes the exchange of each, in the order of arrival."""

    _ID = re.compile(rb"\r\nce-id: *([^\r]+)\r\n", re.IGNORECASE)

    def __init__(self, then: Answer = lambda head, body: reply(b"", 202)) -> None:
        self.ids: list[str] = []
        self._then = then

    def __call__(self, head: bytes, body: bytes) -> Reply:
        found = self._ID.search(head)
        assert found is not None, head
        self.ids.append(found[1].decode())
        return self._then(head, body)
