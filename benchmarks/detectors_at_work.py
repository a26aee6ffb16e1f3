"""`sidelight detectors` as processes on a log that is full: what they take, and what each costs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_STARTED = 0.1
"""The rate is measured from when each process has taken its part of this share of all ..."""
_ENOUGH = 0.8
"""... to when together they have taken this share, before any of them runs out of work."""


@dataclass(frozen=True)
class Look:
    """At one moment: exchanges scored and CPU seconds by process, CPU seconds of the broker."""

    at: float
    scored: tuple[int, ...]
    cpu: tuple[float, ...]
    broker: float


@dataclass(frozen=True)
class Pace:
    """Between two looks."""

    before: Look
    after: Look

    @property
    def exchanges(self) -> int:
        return sum(self.after.scored) - sum(self.before.scored)

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at

    @property
    def a_second(self) -> float:
        return self.exchanges / self.seconds

    @property
    def cpu_us(self) -> float:
        """Of the processes, an exchange."""
        return (sum(self.after.cpu) - sum(self.before.cpu)) / self.exchanges * 1e6

    @property
    def broker_us(self) -> float:
        return (self.after.broker - self.before.broker) / self.exchanges * 1e6

    @property
    def busy(self) -> tuple[float, ...]:
        """The share of its time that each process is on a core."""
        spent = zip(self.before.cpu, self.after.cpu, strict=True)
        return tuple((after - before) / self.seconds for before, after in spent)


def pace(
    folder: Path, document: Mapping[str, Any], processes: int, backlog: int, broker: int | None
) -> Pace:
    """How `processes` take a backlog; `broker` is the process id of the one they use."""
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps({**document, "detectors": {"listen": "127.0.0.1:0"}}))
    with ExitStack() as running:
        crew = [running.enter_context(_process(file, number)) for number in range(processes)]
        looks = _looks(crew, broker)
        least = backlog * _STARTED / processes
        before = next(look for look in looks if min(look.scored) >= least)
        after = next(look for look in looks if sum(look.scored) >= backlog * _ENOUGH)
    return Pace(before, after)


@dataclass(frozen=True)
class _Process:
    process: psutil.Process
    said: Path

    def scored(self) -> int:
        """From its metrics; 0 before it has any."""
        ports = [told["port"] for told in self._told() if "port" in told]
        if not ports:
            return 0
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        counters = [line for line in lines if line.startswith("sidelight_detectors_exchanges_t")]
        return sum(int(float(line.split()[-1])) for line in counters if '"scored"' in line)

    def _told(self) -> Iterator[dict[str, Any]]:
        for line in self.said.read_text().splitlines(keepends=True):
            if line.endswith("}\n"):
                yield json.loads(line)


@contextmanager
def _process(config: Path, number: int) -> Iterator[_Process]:
    said = config.parent / f"said-{number}"
    command = [sys.executable, "-m", "sidelight.command", "detectors", "--config", str(config)]
    with said.open("wb") as output:
        child = subprocess.Popen(command, stderr=output, cwd=config.parent)
    try:
        yield _Process(psutil.Process(child.pid), said)
    finally:
        child.terminate()
        child.wait()


def _looks(crew: Sequence[_Process], broker: int | None) -> Iterator[Look]:
    while True:
        time.sleep(0.5)
        scored = tuple(one.scored() for one in crew)
        cpu = tuple(cpu_seconds(one.process) for one in crew)
        told = 0.0 if broker is None else cpu_seconds(psutil.Process(broker))
        yield Look(time.perf_counter(), scored, cpu, told)


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
