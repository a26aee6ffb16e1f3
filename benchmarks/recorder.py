"""The recorder as a process: ``python -m benchmarks.recorder``.

Captures (1 KiB both ways, then rows of twelve columns without and under rules) are written to its
socket as fast as it takes them. CPU is the process's own; rates depend on the machine.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psutil

from benchmarks.events import ANSWER, HEAD
from sidelight.events.ids import IdMint
from sidelight_logger.parts import RECORDER, Part
from sidelight_logger.wire.acknowledgements import Acknowledgements
from sidelight_logger.wire.captures import Capture, Side, encode

EXCHANGES, TOGETHER = 20_000, 200
BODY = b"x" * 1024
TENSORS = [
    {"name": f"c{n}", "shape": [1, 1], "datatype": "FP64", "data": [n / 3]} for n in range(12)
]
ROW = orjson.dumps({"inputs": TENSORS})
HEAD_ROW = f"{'command':<34}{'per s':>10}{'CPU µs each':>14}{'RSS MiB':>10}"


class Running:
    """A part of the logger in a process of its own."""

    def __init__(self, folder: Path, module: str, part: Part, fds: tuple[int, ...]) -> None:
        self._process = subprocess.Popen(part.command(module), cwd=folder, pass_fds=fds)
        self._seen = psutil.Process(self._process.pid)
        self._started_with = 0.0

    def started(self) -> None:
        """What it cost to start is not counted."""
        self._started_with = self._cpu_seconds()

    def stop(self, what: str, exchanges: int, seconds: float) -> None:
        """Print its row and end it."""
        cpu_us = (self._cpu_seconds() - self._started_with) / exchanges * 1e6
        peak_mib = self._seen.memory_info().rss / (1 << 20)
        print(f"{what:<34}{exchanges / seconds:>10,.0f}{cpu_us:>14.0f}{peak_mib:>10.0f}")
        self._process.terminate()
        self._process.wait()

    def _cpu_seconds(self) -> float:
        times = self._seen.cpu_times()
        return float(times.user + times.system)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        print(HEAD_ROW)
        rules = {
            "logger.redact.columns": {"c1": "drop", "c2": {"bucket": 10}},
            "logger.redact.patterns": ["[0-9]{4}(-[0-9]{4}){3}"],
        }
        record(Path(name) / "1", "recorder: capture to log", BODY, {})
        record(Path(name) / "2", "... rows, no rules", ROW, {})
        record(Path(name) / "3", "... rows, two columns", ROW, dict(list(rules.items())[:1]))
        record(Path(name) / "4", "... rows, and a pattern", ROW, rules)


def record(folder: Path, what: str, body: bytes, rules: dict[str, Any]) -> None:
    folder.mkdir()
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.create_server(("127.0.0.1", 0)) as page,
        socket.socket(socket.AF_UNIX) as proxy,
    ):
        path = str(folder / "recorder")
        listener.bind(path)
        listener.listen()
        fds = (listener.fileno(), page.fileno())
        flags = {"log.url": str(folder / "log"), "logger.upstream": "http://127.0.0.1:1", **rules}
        part = Part(None, path, "127.0.0.1:1", "/bench", 5.0, flags, *fds)
        running = Running(folder, RECORDER, part, fds)
        proxy.connect(path)
        send(proxy, body, TOGETHER, TOGETHER)  # it has started when the first are settled
        running.started()
        began = time.perf_counter()
        send(proxy, body, EXCHANGES, TOGETHER + EXCHANGES)
        running.stop(what, EXCHANGES, time.perf_counter() - began)


def send(proxy: socket.socket, body: bytes, count: int, wanted: int) -> None:
    """Write captures and wait until `wanted` of all so far are acknowledged."""
    mint = IdMint()
    sides = Side(HEAD, body, len(body)), Side(ANSWER, body, len(body))
    for _ in range(count // TOGETHER):
        captures = [Capture(mint(), time.time_ns(), 1, "answered", *sides) for _ in range(TOGETHER)]
        proxy.sendall(b"".join(part for one in captures for part in encode(one)))
    acknowledgements = Acknowledgements()
    while acknowledgements.feed(proxy.recv(1 << 16)) < wanted:
        continue


if __name__ == "__main__":
    main()
