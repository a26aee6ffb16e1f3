"""What the sidecar proxy costs a prediction: direct against proxied, 1 KiB bodies, keep-alive.

    python -m benchmarks.proxy [--seconds 3] [--concurrency 1 16]

The model server is a raw echo (asyncio protocol on uvloop) and the load comes from a generator of
the same kind, each in a process of its own. CPU is that of the proxy's process alone, from
``/proc/PID/schedstat``, and does not depend on what else the machine does; the other figures do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from sidelight.upstreams import parse_upstream
from sidelight_logger.proxy.process import command
from sidelight_logger.proxy.settings import ProxySettings
from sidelight_logger.wire.acknowledgements import encode_acknowledgement
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import Decoder

BODY = b"x" * 1024
HEAD = (
    b"POST /v2/models/income/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
)
ANSWER_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WARM_UP_SECONDS = 0.5
spawning = multiprocessing.get_context("spawn")


def same(number: int) -> bytes:
    """The same head each time, as most clients send it; the proxy has it in memory."""
    return HEAD + b"\r\n" + BODY


def identified(number: int) -> bytes:
    """A head that no request had before."""
    return HEAD + b"X-Request-Id: %032d\r\n\r\n" % number + BODY


@dataclass(frozen=True)
class Figures:
    """One run of the load."""

    requests_per_second: float
    p50_us: float
    p99_us: float


class Echo(asyncio.Protocol):
    """Answers each request with its own body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        _, blank, body = self._received.partition(b"\r\n\r\n")
        if blank and len(body) >= len(BODY):
            self._received = b""
            self._transport.write(ANSWER_HEAD % len(body) + body)


class Drain(asyncio.Protocol):
    """A recorder that keeps nothing: reads the frames and acknowledges them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._decoder = Decoder()
        self._settled = 0

    def data_received(self, data: bytes) -> None:
        self._settled += sum(isinstance(frame, Capture) for frame in self._decoder.feed(data))
        self._transport.write(encode_acknowledgement(self._settled))


class Asking(asyncio.Protocol):
    """One connection of the load: the next request goes out when the answer is there."""

    def __init__(self, seconds: list[float], request: Callable[[int], bytes]) -> None:
        self._seconds = seconds
        self._request = request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        _, blank, body = self._received.partition(b"\r\n\r\n")
        if blank and len(body) == len(BODY):
            self._seconds.append(time.perf_counter() - self._asked)
            self._ask()

    def _ask(self) -> None:
        self._received = b""
        self._asked = time.perf_counter()
        self._transport.write(self._request(time.time_ns()))


def serve_echo(listener: socket.socket) -> None:
    uvloop.run(_serve(lambda loop: loop.create_server(Echo, sock=listener)))


def serve_drain(path: str) -> None:
    uvloop.run(_serve(lambda loop: loop.create_unix_server(Drain, path)))


async def _serve(make: Callable[[asyncio.AbstractEventLoop], object]) -> None:
    await make(asyncio.get_running_loop())  # type: ignore[misc] # a coroutine of the loop's own
    await asyncio.Event().wait()


def generate(
    address: tuple[str, int],
    connections: int,
    seconds: float,
    request: Callable[[int], bytes],
    out: Connection,
) -> None:
    """The load generator's process."""
    out.send(uvloop.run(_generate(address, connections, seconds, request)))


async def _generate(
    address: tuple[str, int], connections: int, seconds: float, request: Callable[[int], bytes]
) -> Figures:
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Asking(taken, request), *address)
    await asyncio.sleep(WARM_UP_SECONDS)
    taken.clear()
    await asyncio.sleep(seconds)
    cuts = statistics.quantiles(taken, n=100)
    return Figures(len(taken) / seconds, cuts[49] * 1e6, cuts[98] * 1e6)


@contextlib.contextmanager
def process(target: Callable[..., None], *args: object) -> Iterator[None]:
    running = spawning.Process(target=target, args=args, daemon=True)
    running.start()
    try:
        yield
    finally:
        running.kill()
        running.join()


@contextlib.contextmanager
def proxy(upstream: int, recorder: Path | None) -> Iterator[tuple[tuple[str, int], int]]:
    """A proxy as the logger runs it: (its address, its process id)."""
    url = f"http://127.0.0.1:{upstream}"
    with _listener() as listener:
        line = command(ProxySettings(parse_upstream(url), recorder), url, listener.fileno())
        child = subprocess.Popen(line, pass_fds=[listener.fileno()])
        try:
            yield listener.getsockname(), child.pid
        finally:
            child.terminate()
            child.wait()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def load(
    address: tuple[str, int],
    connections: int,
    seconds: float,
    request: Callable[[int], bytes] = same,
) -> Figures:
    here, there = spawning.Pipe()
    with process(generate, address, connections, seconds, request, there):
        figures = here.recv()
    assert isinstance(figures, Figures)
    return figures


def cpu_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def proxied(
    upstream: int,
    recorder: Path | None,
    connections: int,
    seconds: float,
    request: Callable[[int], bytes],
) -> tuple[Figures, float]:
    """One run through a proxy, and its CPU microseconds for each request."""
    with proxy(upstream, recorder) as (address, pid):
        load(address, connections, 0.5)
        before = cpu_seconds(pid)
        figures = load(address, connections, seconds, request)
        spent = cpu_seconds(pid) - before
    return figures, spent * 1e6 / (figures.requests_per_second * (seconds + WARM_UP_SECONDS))


def row(figures: Figures) -> str:
    return f"{figures.requests_per_second:12,.0f}{figures.p50_us:10.0f}{figures.p99_us:10.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16])
    arguments = parser.parse_args()
    print("python -m benchmarks.proxy: 1 KiB request, 1 KiB answer")
    print(f"{'':34}{'requests/s':>12}{'p50 us':>10}{'p99 us':>10}{'CPU us':>10}{'p50 ratio':>10}")
    with tempfile.TemporaryDirectory() as folder, _listener() as listener:
        path = Path(folder) / "recorder"
        upstream = listener.getsockname()[1]
        with process(serve_echo, listener), process(serve_drain, str(path)):
            for connections in arguments.concurrency:
                compare(upstream, path, connections, arguments.seconds)


def compare(upstream: int, recorder: Path, connections: int, seconds: float) -> None:
    name = f"{connections} at a time"
    direct = load(("127.0.0.1", upstream), connections, seconds)
    print(f"{name + ', direct':34}{row(direct)}")
    for how, sink, request in (
        ("proxied, no capture", None, same),
        ("proxied, captured", recorder, same),
        ("captured, own ids", recorder, identified),
    ):
        figures, cpu_us = proxied(upstream, sink, connections, seconds, request)
        added = figures.p50_us / direct.p50_us
        print(f"{name + ', ' + how:34}{row(figures)}{cpu_us:10.1f}{added:10.1f}")


if __name__ == "__main__":
    main()
