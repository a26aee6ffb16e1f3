"""The recorder and the shipper as processes: ``python -m benchmarks.recorder``.

Captures (1 KiB both ways) are written to the recorder's socket as fast as it takes them; then the
log is shipped to a sink in another process. CPU is the process's own; rates depend on the machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import uvloop

from benchmarks.events import ANSWER, HEAD
from sidelight.events.ids import IdMint
from sidelight_logger.frames import Acknowledgements, Capture, Decoder, Side, SinkStats, encode
from sidelight_logger.parts import RECORDER, SHIPPER, Part

EXCHANGES, SHIPPED, TOGETHER = 60_000, 3_000, 200
BODY = b"x" * 1024
spawning = multiprocessing.get_context("spawn")


class Sink(asyncio.Protocol):
    """Takes every POST, by its Content-Length."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")


def serve_sink(port: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


class Running:
    """A part of the logger in a process of its own."""

    def __init__(self, folder: Path, module: str, part: Part, fds: tuple[int, ...]) -> None:
        self._process = subprocess.Popen(part.command(module), cwd=folder, pass_fds=fds)
        self._seen = psutil.Process(self._process.pid)

    def stop(self, what: str, exchanges: int, seconds: float) -> None:
        """Print its row and end it."""
        times = self._seen.cpu_times()
        cpu_us = (times.user + times.system) / exchanges * 1e6
        peak_mib = self._seen.memory_info().rss / (1 << 20)
        print(f"{what:<34}{exchanges / seconds:>10,.0f}{cpu_us:>14.0f}{peak_mib:>10.0f}")
        self._process.terminate()
        self._process.wait()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{'command':<34}{'per s':>10}{'CPU µs each':>14}{'RSS MiB':>10}")
        record(folder)
        ship(folder)


def record(folder: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.create_server(("127.0.0.1", 0)) as page,
        socket.socket(socket.AF_UNIX) as proxy,
    ):
        path = str(folder / "recorder")
        listener.bind(path)
        listener.listen()
        fds = (listener.fileno(), page.fileno())
        flags = {"log.url": str(folder / "log"), "logger.upstream": "http://127.0.0.1:1"}
        part = Part(None, path, "127.0.0.1:1", "/bench", 5.0, flags, *fds)
        running = Running(folder, RECORDER, part, fds)
        proxy.connect(path)
        send(proxy, TOGETHER, TOGETHER)  # it has started when the first are settled
        began = time.perf_counter()
        send(proxy, EXCHANGES, TOGETHER + EXCHANGES)
        running.stop("recorder: capture to log", EXCHANGES, time.perf_counter() - began)


def send(proxy: socket.socket, count: int, wanted: int) -> None:
    """Write captures and wait until `wanted` of all so far are acknowledged."""
    mint = IdMint()
    sides = Side(HEAD, BODY, len(BODY)), Side(ANSWER, BODY, len(BODY))
    for _ in range(count // TOGETHER):
        captures = [Capture(mint(), time.time_ns(), 1, "answered", *sides) for _ in range(TOGETHER)]
        proxy.sendall(b"".join(part for one in captures for part in encode(one)))
    acknowledgements = Acknowledgements()
    while acknowledgements.feed(proxy.recv(1 << 16)) < wanted:
        continue


def ship(folder: Path) -> None:
    ours, theirs = spawning.Pipe()
    sink = spawning.Process(target=serve_sink, args=(theirs,), daemon=True)
    sink.start()
    flags = {
        "log.url": str(folder / "log"),
        "logger.upstream": "http://127.0.0.1:1",
        "logger.sink.url": f"http://127.0.0.1:{ours.recv()}/",
    }
    with socket.socket(socket.AF_UNIX) as listener:
        path = str(folder / "counters")
        listener.bind(path)
        listener.listen()
        running = Running(folder, SHIPPER, Part(None, path, "", "/bench", 1.0, flags, route="sink"), ())
        told = counters(listener.accept()[0])
        first, began = next(told), time.perf_counter()
        while (now := next(told)).delivered - first.delivered < SHIPPED:
            continue
        shipped = now.delivered - first.delivered
        seconds = time.perf_counter() - began
        running.stop(
            "shipper: exchange as two events", now.delivered, seconds * now.delivered / shipped
        )
    sink.terminate()
    sink.join()


def counters(connection: socket.socket) -> Iterator[SinkStats]:
    """What the shipper tells, about once a second."""
    decoder = Decoder()
    with connection:
        while True:
            for frame in decoder.feed(connection.recv(1 << 16)):
                if isinstance(frame, SinkStats):
                    yield frame


if __name__ == "__main__":
    main()
