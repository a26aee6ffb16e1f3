"""Loads by nghttp2's `h2load`: open or closed, over HTTP/1.1, each request's time in a file."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Load:
    """`rate` requests a second over so many connections; without one as fast as answers come."""

    connections: int = 32
    seconds: float = 5.0
    rate: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a load; milliseconds are of the answered requests."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answered: int
    failed: int


def missing() -> str:
    """Why no load can be made; empty when it can."""
    return "" if shutil.which("h2load") else "h2load is missing; apt-get install nghttp2-client"


def run(url: str, load: Load, body: Path, headers: Sequence[str] = (), core: int = 1) -> Outcome:
    """Post the body to the address again and again. A request's time begins when it is sent."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times"
        line = ["taskset", "-c", str(core), "h2load", "--h1", "-t", "1", url]
        line += [
            "-c",
            str(load.connections),
            "-D",
            f"{round(load.seconds * 1e3)}ms",
            "-d",
            str(body),
        ]
        line += ["--log-file", str(times)]
        line += [part for header in headers for part in ("-H", header)]
        if load.rate is not None:
            line += ["--rps", str(load.rate / load.connections)]
        subprocess.run(line, check=True, capture_output=True)
        told = np.array([line.split() for line in times.read_text().splitlines()], dtype=np.int64)
    told = told.reshape(-1, 3)  # also of nothing
    answered = told[told[:, 1] == 200]
    p50, p99 = np.percentile(answered[:, 2], [50, 99]) / 1e3 if len(answered) else (0, 0)
    return Outcome(len(answered) / load.seconds, p50, p99, len(answered), len(told) - len(answered))
