"""Shippers as processes, and the numbered ledger that what they carried is compared with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from sidelight.config.settings import LogSettings
from sidelight.events import Exchange
from sidelight.events.exchanges import from_record, to_record
from sidelight.log import topics
from sidelight.log.contract import Log, Record
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight_detectors.streaming.marks import Marks
from sidelight_logger.parts import SHIPPER, Part
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.routes import LOG
from sidelight_logger.wire.frames import Decoder
from sidelight_logger.wire.sinks import SinkStats
from tests.logger.captures import capture

SPOOL_ID = "spool-1"


def made(url: str, **configs: str) -> LogSettings:
    """The settings of a log on Kafka, its topics made; `configs` as Kafka writes them."""
    settings = LogSettings(url=url, partitions=3)
    wanted = [replace(plan, configs={**plan.configs, **configs}) for plan in plans(settings)]
    create(settings, wanted)
    return settings


def numbered(number: int, body: bytes = b"{}") -> Exchange:
    """An exchange whose sequence is its number in the ledger; the first is 1."""
    one = capture(headers={"Ce-Id": f"e{number:06d}"}, body=body)
    found = describe(one, number, Origin("/test", SPOOL_ID))
    assert found is not None
    return found


def fill(spool: Log, first: int, count: int, body: bytes = b"{}") -> None:
    """Append the exchanges numbered from `first` on."""
    exchanges = (numbered(number, body) for number in range(first, first + count))
    spool.append(topics.INFERENCE, [to_record(one) for one in exchanges])


class Shipper:
    """A shipper's process, and what it says about once a second."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], route: str = LOG, grace_seconds: float = 5
    ) -> None:
        self.stats = SinkStats("none yet")
        self.errors = folder / "shipper.log"
        self._folder = folder
        self._listener = socket.socket(socket.AF_UNIX)
        path = folder / f"recorder-{route}"
        self._listener.bind(str(path))
        self._listener.listen()
        flags = {"logger.upstream": "http://127.0.0.1:1", **settings}
        self._part = Part(None, str(path), "", "/test", grace_seconds, flags, route=route)
        self._process: subprocess.Popen[bytes] | None = None
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def start(self) -> None:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = self._part.command(SHIPPER)
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                command, env=environ, cwd=self._folder, stdout=errors, stderr=errors
            )

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._process = None
        return code

    def close(self) -> None:
        self.kill()
        self._listener.close()

    def resident_mib(self) -> float:
        """Memory the process has now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def said(self) -> str:
        return self.errors.read_text()

    def _read(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        decoder = Decoder()
        with connection:
            while data := connection.recv(1 << 16):
                for frame in decoder.feed(data):
                    assert isinstance(frame, SinkStats)
                    self.stats = frame


@contextmanager
def shipping(folder: Path, settings: Mapping[str, Any], **options: Any) -> Iterator[Shipper]:
    shipper = Shipper(folder, settings, **options)
    shipper.start()
    try:
        yield shipper
    finally:
        shipper.close()


def records_of(log: Log, topic: str, partition: int) -> list[Record]:
    """All that a partition holds."""
    found: list[Record] = []
    offset, end = log.span(topic, partition).begin, log.span(topic, partition).end
    while offset < end:
        for stored in log.read(topic, partition, offset, wait_seconds=1.0):
            found.append(stored.record)
            offset = stored.address.offset + 1
    return found


def carried(log: Log, topic: str = topics.INFERENCE) -> list[list[Exchange]]:
    """Each partition's exchanges in order, repeats among them."""
    partitions = range(log.partitions(topic))
    return [[from_record(one) for one in records_of(log, topic, part)] for part in partitions]


def counted_once(found: Sequence[Sequence[Exchange]]) -> list[int]:
    """The numbers that readers of the partitions take in, each with marks of its own."""
    kept: list[int] = []
    for exchanges in found:
        marks = Marks({})
        kept += [one.sequence for one in exchanges if marks.is_new(one)]
    return sorted(kept)
