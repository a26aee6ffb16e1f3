"""The recorder as a process: ``python -m benchmarks.recorder``.

Captures (1 KiB both ways) are written to its socket as fast as it takes them. CPU is the process's
own; rates depend on the machine.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.events import ANSWER, HEAD
from sidelight.events.ids import IdMint
from sidelight_logger.frames import Acknowledgements, Capture, Side, encode
from sidelight_logger.parts import RECORDER, Part

EXCHANGES, TOGETHER = 60_000, 200
BODY = b"x" * 1024
HEAD_ROW = f"{'command':<34}{'per s':>10}{'CPU µs each':>14}{'RSS MiB':>10}"


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
        print(HEAD_ROW)
        record(Path(name))


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


if __name__ == "__main__":
    main()
