"""What the sidecar costs a gRPC call: direct, through the splice, through a proxy of grpc.aio.

    python -m benchmarks.proxy_grpc [--seconds 3] [--concurrency 1 16]

Calls carry 1 KiB both ways. The model server echoes; it and the load speak bare frames of HTTP/2,
or are grpcio's own (rows "grpcio"). CPU is that of the proxy's process alone, from
``/proc/PID/schedstat``, and does not depend on what else the machine does; the other figures do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import hpack
import uvloop

from benchmarks.proxy import Figures, cpu_seconds, process, proxy, row, serve_drain, spawning
from sidelight_logger.proxy.h2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD,
    HEAD_BYTES,
    HEADERS,
    PREFACE,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

PATH = "/inference.GRPCInferenceService/ModelInfer"
MESSAGE = b"\x0a\x06income" + b"\x2a\xf5\x07" + b"x" * 1013
BODY = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE
WARM_UP_SECONDS = 0.5
_WIDE = frame(SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff") + frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\0\0")
_REQUEST = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", PATH),
    (":authority", "model"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
    ("user-agent", "bench"),
)


class Frames(asyncio.Protocol):
    """Cuts what comes into frames."""

    def __init__(self) -> None:
        self._encoder = hpack.Encoder()
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data, at = self._received + data, 0
        out: list[bytes] = []
        while len(data) - at >= HEAD_BYTES:
            high, low, kind, flags, stream = HEAD.unpack_from(data, at)
            stop = at + HEAD_BYTES + (high << 8 | low)
            if stop > len(data):
                break
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                out.append(self.ended(stream))
            at = stop
        self._received = data[at:]
        if out:
            self._transport.write(b"".join(out))

    def ended(self, stream: int) -> bytes:
        """The peer has said all on this stream: what to send."""
        raise NotImplementedError


class Echo(Frames):
    """A model server: the same answer to each call."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.write(_WIDE)

    def data_received(self, data: bytes) -> None:
        begins = not self._received and data[:3] == PREFACE[:3]
        super().data_received(data[len(PREFACE) :] if begins else data)

    def ended(self, stream: int) -> bytes:
        head = self._encoder.encode([(":status", "200"), ("content-type", "application/grpc")])
        end = self._encoder.encode([("grpc-status", "0"), ("grpc-message", "")])
        return b"".join(
            (
                frame(HEADERS, END_HEADERS, stream, head),
                frame(DATA, 0, stream, BODY),
                frame(HEADERS, END_HEADERS | END_STREAM, stream, end),
            )
        )


class Asking(Frames):
    """The load: so many calls at a time on one connection."""

    def __init__(self, seconds: list[float], at_a_time: int, identified: bool = False) -> None:
        super().__init__()
        self._identified = identified
        self._seconds = seconds
        self._at_a_time = at_a_time
        self._next = 1
        self._asked: dict[int, float] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        calls = b"".join(self._call() for _ in range(self._at_a_time))
        transport.write(PREFACE + _WIDE + calls)

    def ended(self, stream: int) -> bytes:
        self._seconds.append(time.perf_counter() - self._asked.pop(stream))
        return self._call()

    def _call(self) -> bytes:
        stream, self._next = self._next, self._next + 2
        self._asked[stream] = time.perf_counter()
        fields = [*_REQUEST, ("x-request-id", f"{stream:032}")] if self._identified else _REQUEST
        head = frame(HEADERS, END_HEADERS, stream, self._encoder.encode(fields))
        return head + frame(DATA, END_STREAM, stream, BODY)


def serve_echo(listener: socket.socket) -> None:
    uvloop.run(_serve_echo(listener))


async def _serve_echo(listener: socket.socket) -> None:
    await asyncio.get_running_loop().create_server(Echo, sock=listener)
    await asyncio.Event().wait()


def ask_in_frames(port: int, at_a_time: int, seconds: float, out: Connection) -> None:
    out.send(uvloop.run(_ask_in_frames(port, at_a_time, seconds)))


def ask_with_ids(port: int, at_a_time: int, seconds: float, out: Connection) -> None:
    """Heads that no call had before, as those of traced clients."""
    out.send(uvloop.run(_ask_in_frames(port, at_a_time, seconds, identified=True)))


async def _ask_in_frames(
    port: int, at_a_time: int, seconds: float, *, identified: bool = False
) -> Figures:
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: Asking(taken, at_a_time, identified), "127.0.0.1", port)
    return await _figures(taken, seconds)


async def _figures(taken: list[float], seconds: float) -> Figures:
    await asyncio.sleep(WARM_UP_SECONDS)
    taken.clear()
    await asyncio.sleep(seconds)
    cuts = statistics.quantiles(taken, n=100)
    return Figures(len(taken) / seconds, cuts[49] * 1e6, cuts[98] * 1e6)


def ask_with_grpcio(port: int, at_a_time: int, seconds: float, out: Connection) -> None:
    out.send(asyncio.run(_ask_with_grpcio(port, at_a_time, seconds)))


async def _ask_with_grpcio(port: int, at_a_time: int, seconds: float) -> Figures:
    taken: list[float] = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(PATH)

        async def ask() -> None:
            while True:
                asked = time.perf_counter()
                await call(MESSAGE)
                taken.append(time.perf_counter() - asked)

        asking = [asyncio.create_task(ask()) for _ in range(at_a_time)]
        figures = await _figures(taken, seconds)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return figures


class _Everything(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    def __init__(self, answer: Callable[..., Any]) -> None:
        self._answer = answer

    def service(self, details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._answer)


def serve_grpcio(port: int) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4), (_Everything(lambda one, _: one),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def serve_aio_proxy(port: int, upstream: int) -> None:
    """The alternative: calls ended here and made anew, with nothing read of them."""
    asyncio.run(_serve_aio_proxy(port, upstream))


async def _serve_aio_proxy(port: int, upstream: int) -> None:
    call = grpc.aio.insecure_channel(f"127.0.0.1:{upstream}").unary_unary(PATH)

    async def forward(message: bytes, context: Any) -> bytes:
        answer: bytes = await call(message)
        return answer

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Everything(forward),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


Load = Callable[[int, int, float, Connection], None]


def figures(load: Load, port: int, at_a_time: int, seconds: float) -> Figures:
    here, there = spawning.Pipe()
    with process(load, port, at_a_time, seconds, there):
        found = here.recv()
    assert isinstance(found, Figures)
    return found


def show(name: str, load: Load, port: int, at_a_time: int, seconds: float, pid: int = 0) -> None:
    """One row; the CPU is that of `pid`."""
    before = cpu_seconds(pid) if pid else 0.0
    found = figures(load, port, at_a_time, seconds)
    calls = found.requests_per_second * (seconds + WARM_UP_SECONDS)
    spent = f"{(cpu_seconds(pid) - before) * 1e6 / calls:10.1f}" if pid else ""
    print(f"{at_a_time:3} at a time, {name:26}{row(found)}{spent}", flush=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


@contextlib.contextmanager
def grpcio_server() -> Iterator[int]:
    port = free_port()
    with process(serve_grpcio, port):
        _await(port)
        yield port


@contextlib.contextmanager
def aio_proxy(upstream: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    running = spawning.Process(target=serve_aio_proxy, args=(port, upstream), daemon=True)
    running.start()
    try:
        _await(port)
        assert running.pid is not None
        yield port, running.pid
    finally:
        running.kill()
        running.join()


def _await(port: int) -> None:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def compare(load: Load, upstream: int, recorder: Path, at_a_time: int, seconds: float) -> None:
    kind = "grpcio" if load is ask_with_grpcio else "frames"
    show(f"{kind}, direct", load, upstream, at_a_time, seconds)
    for how, sink in (("no capture", None), ("captured", recorder)):
        with proxy(upstream, sink) as (address, pid):
            show(f"{kind}, {how}", load, address[1], at_a_time, seconds, pid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16])
    arguments = parser.parse_args()
    print("python -m benchmarks.proxy_grpc: 1 KiB request, 1 KiB answer, one connection")
    print(f"{'':41}{'calls/s':>12}{'p50 us':>10}{'p99 us':>10}{'CPU us':>10}")
    with tempfile.TemporaryDirectory() as folder:
        recorder = Path(folder) / "recorder"
        listener = socket.create_server(("127.0.0.1", 0))
        with process(serve_drain, str(recorder)), process(serve_echo, listener):
            for at_a_time in arguments.concurrency:
                port = listener.getsockname()[1]
                compare(ask_in_frames, port, recorder, at_a_time, arguments.seconds)
                with proxy(port, recorder) as (address, pid):
                    name = "frames, captured, own ids"
                    show(name, ask_with_ids, address[1], at_a_time, arguments.seconds, pid)
        with process(serve_drain, str(recorder) + "2"), grpcio_server() as port:
            for at_a_time in arguments.concurrency:
                path = Path(str(recorder) + "2")
                compare(ask_with_grpcio, port, path, at_a_time, arguments.seconds)
                with aio_proxy(port) as (address, pid):
                    name = "grpcio, grpc.aio's proxy"
                    show(name, ask_with_grpcio, address, at_a_time, arguments.seconds, pid)


if __name__ == "__main__":
    main()
