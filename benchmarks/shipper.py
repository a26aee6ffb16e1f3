"""The shippers as processes: ``python -m benchmarks.shipper``.

A spool of exchanges (1 KiB both ways) is carried to Kafka, as the log and as a sink, to an HTTP
sink in another process, at hand and 20 ms away, and to files. CPU is the shipper's own, its start
included; rates depend on the machine.
Kafka's rows need Java and Maven, or `SIDELIGHT_KAFKA=host:port`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.events import ANSWER, HEAD
from benchmarks.recorder import BODY, HEAD_ROW, Running
from sidelight.config.settings import LogSettings
from sidelight.demo.broker import Broker, missing_tools
from sidelight.events.exchanges import to_record
from sidelight.events.ids import IdMint
from sidelight.log import open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import INFERENCE
from sidelight_logger.parts import SHIPPER, Part
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.routes import LOG
from sidelight_logger.wire.captures import Capture, Side
from sidelight_logger.wire.frames import Decoder
from sidelight_logger.wire.sinks import SinkStats

EXCHANGES, POSTED = 60_000, 3_000
AWAY_SECONDS, POSTED_AWAY = 0.02, 300
PARTITIONS = 3
spawning = multiprocessing.get_context("spawn")


class Sink(asyncio.Protocol):
    """Takes every POST, by its Content-Length, and answers after a while."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds

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
            answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
            asyncio.get_running_loop().call_later(self._wait_seconds, self._transport.write, answer)


def serve_sink(port: Connection, wait_seconds: float) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: Sink(wait_seconds), "127.0.0.1", 0
        )
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spool = {"log.url": str(folder / "spool"), "logger.upstream": "http://127.0.0.1:1"}
        fill(folder / "spool")
        print(HEAD_ROW)
        if missing := missing_tools():
            print(missing)
        else:
            with broker(folder) as bootstrap:
                to_kafka(folder, bootstrap)
        to_http(folder, spool)
        to_files(folder, spool)


def fill(place: Path) -> None:
    mint = IdMint()
    sides = Side(HEAD, BODY, len(BODY)), Side(ANSWER, BODY, len(BODY))
    with closing(open_log(place)) as spool:
        for start in range(1, EXCHANGES, 1000):
            found = (
                describe(
                    Capture(mint(), time.time_ns(), 1, "answered", *sides),
                    number,
                    Origin("/bench", "spool"),
                )
                for number in range(start, start + 1000)
            )
            spool.append(INFERENCE, [to_record(one) for one in found if one is not None])


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    if address := os.environ.get("SIDELIGHT_KAFKA"):
        yield address
        return
    with Broker(folder / "kafka") as one:
        yield one.bootstrap


def to_kafka(folder: Path, bootstrap: str) -> None:
    log, foreign = (f"bench-{uuid.uuid4().hex[:8]}" for _ in range(2))
    for prefix in (log, foreign):
        settings = LogSettings(url=f"kafka://{bootstrap}/{prefix}", partitions=PARTITIONS)
        create(settings, plans(settings))
    flags = {
        "log.url": f"kafka://{bootstrap}/{log}",
        "log.partitions": PARTITIONS,
        "logger.spool": str(folder / "spool"),
        "logger.upstream": "http://127.0.0.1:1",
    }
    carry("shipper: to the log on Kafka", folder, flags, LOG, EXCHANGES)
    sink = {"logger.sinks.there.url": f"kafka://{bootstrap}/{foreign}.inference"}
    carry("shipper: as two events to Kafka", folder, flags | sink, "there", EXCHANGES)


def to_http(folder: Path, spool: Mapping[str, Any]) -> None:
    for away, posted, connections in (
        *((0.0, POSTED, lanes) for lanes in (1, 4)),
        *((AWAY_SECONDS, POSTED_AWAY, lanes) for lanes in (1, 4, 32)),
    ):
        ours, theirs = spawning.Pipe()
        sink = spawning.Process(target=serve_sink, args=(theirs, away), daemon=True)
        sink.start()
        flags = {
            **spool,
            "logger.sinks.there.url": f"http://127.0.0.1:{ours.recv()}/",
            "logger.sinks.there.connections": connections,
        }
        carry(
            f"shipper: HTTP, {away:g} s away, {connections} at once", folder, flags, "there", posted
        )
        sink.terminate()
        sink.join()


def to_files(folder: Path, spool: Mapping[str, Any]) -> None:
    for format_, batch, count in (
        ("json", 1, POSTED),
        ("json", 1000, 20_000),
        ("parquet", 1000, 20_000),
    ):
        flags = {
            **spool,
            "logger.sinks.files.url": f"file://{folder}/{format_}-{batch}",
            "logger.sinks.files.files.format": format_,
            "logger.sinks.files.files.batch_records": batch,
        }
        carry(f"shipper: {format_} files of {batch}", folder, flags, "files", count)


def carry(what: str, folder: Path, flags: Mapping[str, Any], route: str, wanted: int) -> None:
    """Print the row of a shipper that carries at least so many."""
    path = folder / f"counters-{what.partition(' ')[2]}".replace(" ", "-")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        part = Part(None, str(path), "", "/bench", 5.0, flags, route=route)
        running = Running(folder, SHIPPER, part, ())
        told = counters(listener.accept()[0])
        first, began = next(one for one in told if one.delivered), time.perf_counter()
        now = next(one for one in told if one.delivered >= wanted)
        seconds = time.perf_counter() - began
        carried = now.delivered - first.delivered
        running.stop(what, now.delivered, seconds * now.delivered / carried)


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
