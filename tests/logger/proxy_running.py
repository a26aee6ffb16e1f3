"""A proxy to test: on real sockets, between a client, a scripted model server and a recorder."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from sidelight.upstreams import Upstream
from sidelight_logger.proxy.service import Proxy
from sidelight_logger.proxy.settings import Limits, ProxySettings
from sidelight_logger.wire import tally
from sidelight_logger.wire.acknowledgements import encode_acknowledgement
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import Decoder
from sidelight_logger.wire.tally import Cells, ProxyStats

PATIENCE_SECONDS = 60.0
"""How long a test waits for what must come before it fails."""


class Wire:
    """One end of a TCP connection, read and written byte by byte."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE_SECONDS)
        self._read = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Everything up to and including `end`."""
        while end not in self._read:
            self._more()
        found, _, self._read = self._read.partition(end)
        return found + end

    def exactly(self, size: int) -> bytes:
        while len(self._read) < size:
            self._more()
        found, self._read = self._read[:size], self._read[size:]
        return found

    def head(self) -> bytes:
        return self.until(b"\r\n\r\n")

    def rest(self) -> bytes:
        """Everything until the peer closes."""
        while data := self.sock.recv(1 << 16):
            self._read += data
        found, self._read = self._read, b""
        return found

    def is_quiet(self, seconds: float = 0.1) -> bool:
        """Nothing has come and nothing comes for a while."""
        self.sock.settimeout(seconds)
        try:
            self._read += self.sock.recv(1 << 16)
        except TimeoutError:
            return not self._read
        finally:
            self.sock.settimeout(PATIENCE_SECONDS)
        return False

    def shut(self) -> None:
        """Close the sending side only."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def _more(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise EOFError(f"the peer closed after {self._read!r}")
        self._read += data


class ScriptedServer:
    """A model server of which the test writes every byte."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_SECONDS)
        self._accepted: list[Wire] = []
        self.port: int = self._listener.getsockname()[1]

    def accept(self) -> Wire:
        self._accepted.append(Wire(self._listener.accept()[0]))
        return self._accepted[-1]

    def has_nobody(self, seconds: float = 0.1) -> bool:
        """No connection waits to be accepted."""
        self._listener.settimeout(seconds)
        try:
            self.accept()
        except TimeoutError:
            return True
        finally:
            self._listener.settimeout(PATIENCE_SECONDS)
        return False

    def close(self) -> None:
        self._listener.close()
        for wire in self._accepted:
            wire.close()


class DummyRecorder:
    """Reads frames and acknowledges them; its captures are kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.captures: list[Capture] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connection: socket.socket | None = None
        self._reads = threading.Event()
        self._reads.set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def has_unread(self) -> bool:
        """Something was written to a recorder that hangs."""
        assert self._connection is not None
        with contextlib.suppress(BlockingIOError):
            return bool(self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        return False

    def hang(self) -> None:
        """Accept, and read no more."""
        self._reads.clear()

    def wait(self, count: int) -> list[Capture]:
        """The first `count` captures."""
        wait_until(lambda: len(self.captures) >= count)
        return self.captures[:count]

    def close(self) -> None:
        """End as a killed recorder does: nothing more is read."""
        for sock in (self._connection, self._listener):
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
        self._reads.set()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._connection, _ = self._listener.accept()
                self._reads.wait()
                self._read(self._connection)

    def _read(self, connection: socket.socket) -> None:
        decoder, settled = Decoder(), 0
        while data := connection.recv(1 << 16):
            for frame in decoder.feed(data):
                if isinstance(frame, Capture):
                    self.captures.append(frame)
                    settled += 1
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(encode_acknowledgement(settled))


class RunningProxy:
    """A proxy in a thread of this process."""

    def __init__(self, settings: ProxySettings, cells: Cells) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.proxy = Proxy(settings, cells)
        self.cut: int | None = None
        self._loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def stats(self) -> ProxyStats:
        return self.proxy.counters.stats()

    def connect(self) -> Wire:
        return Wire(socket.create_connection(self.address, timeout=PATIENCE_SECONDS))

    def ask_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        if self._thread.is_alive():
            self.ask_to_stop()
            self._thread.join()

    def _run(self) -> None:
        self.cut, _ = self._loop.run_until_complete(self.proxy.serve([self._listener], self._stop))
        self._loop.close()


@contextlib.contextmanager
def running_proxy(
    port: int, *, limits: Limits | None = None, cells: Cells | None = None, **settings: object
) -> Iterator[RunningProxy]:
    """A proxy in front of ``127.0.0.1:port``; `settings` are those of `ProxySettings`."""
    quick = limits or Limits(grace_seconds=0.2)
    plain = ProxySettings(Upstream("127.0.0.1", port), limits=quick)
    running = RunningProxy(replace(plain, **settings), cells or tally.private())  # type: ignore[arg-type]
    try:
        yield running
    finally:
        running.stop()


@contextlib.contextmanager
def dummy_recorder() -> Iterator[DummyRecorder]:
    with tempfile.TemporaryDirectory() as folder:
        recorder = DummyRecorder(Path(folder) / "recorder")
        try:
            yield recorder
        finally:
            recorder.close()


@dataclass(frozen=True)
class Answer:
    """A response as a client library read it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def read_answer(wire: Wire, method: str = "GET") -> Answer:
    """Read one response with the standard library; it may read beyond the response."""
    response = http.client.HTTPResponse(wire.sock, method=method)
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for did not happen")
        time.sleep(0.002)
