"""A dashboard over twenty models: what following costs, and whether its pages answer meanwhile.

    python -m benchmarks.dashboard_following [--models 20] [--exchanges 60000] [--browsers 50]

First `sidelight detectors` takes a log of exchanges of ten rows at full speed while a dashboard
follows and browsers listen to `/events`; then a dashboard of its own takes the whole of it from the
beginning, and at last has nothing to do. "behind" are records that pages do not show yet.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from sidelight.config.settings import Settings
from sidelight.events.exchanges import to_record
from sidelight.log import open_log
from sidelight.log.topics import ALARMS, INFERENCE, PANES, RESULTS
from tests.dashboard.filled import settings_of
from tests.detectors.traffic import MODEL, exchange, rows
from tests.ports import free_port

ROWS = 10
"""Of an exchange."""
BEAT_SECONDS = 0.1
IDLE_SECONDS = 20
PAGES = ("/healthz", "/", "/models/income-00/drift", "/api/models/income-00/drift/compare")


def configured(folder: Path, models: int) -> Settings:
    told = settings_of(
        folder,
        detectors={"listen": f"127.0.0.1:{free_port()}", "run_rows": 250},
        dashboard={"listen": f"127.0.0.1:{free_port()}", "folder": str(folder / "own")},
    )
    names = [f"{MODEL}-{number:02}" for number in range(models)]
    return told.model_copy(update={"models": dict.fromkeys(names, told.models[MODEL])})


def fill(told: Settings, count: int) -> None:
    """Exchanges of all models in turn, over an hour."""
    table = rows(20_000, seed=2)
    parts = [table.take(slice(at, at + ROWS)) for at in range(0, len(table), ROWS)]
    usual = [exchange(part, version="1") for part in parts]
    begin_ns, names = time.time_ns() - 3600 * 10**9, list(told.models)
    with closing(open_log(told.log)) as log:
        for first in range(0, count, 1000):
            log.append(
                INFERENCE,
                [
                    to_record(
                        replace(
                            usual[number % len(usual)],
                            id=f"exchange-{number}",
                            model=(name := names[number % len(names)]),
                            path=f"/v2/models/{name}/infer",
                            time_ns=begin_ns + 3600 * 10**9 * number // count,
                        )
                    )
                    for number in range(first, min(first + 1000, count))
                ],
            )


@contextmanager
def running(service: str, config: Path) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "sidelight.command", service, "--config", str(config)]
    with (config.parent / f"{service}.txt").open("ab") as said:
        child = subprocess.Popen(command, stderr=said, cwd=config.parent)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()


@dataclass
class Probe:
    """Asks for each page again and again; seconds by page."""

    base: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT_SECONDS):
            for page in PAGES:
                begun = time.perf_counter()
                try:
                    with urllib.request.urlopen(self.base + page, timeout=60) as answer:
                        answer.read()
                except urllib.error.HTTPError as exc:
                    self.failed += exc.code >= 500
                self.seconds.setdefault(page, []).append(time.perf_counter() - begun)


def listen(address: str, stop: threading.Event, heard: list[int]) -> None:
    """One browser that follows."""
    host, _, port = address.partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        while not stop.is_set() and (line := answer.readline()):
            heard[0] += line.startswith(b"data")


@contextmanager
def watched(told: Settings, browsers: int) -> Iterator[Probe]:
    stop, heard = threading.Event(), [0]
    address = told.dashboard.listen
    probe = Probe(f"http://{address}")
    threads = [threading.Thread(target=probe.run, args=(stop,))] + [
        threading.Thread(target=listen, args=(address, stop, heard), daemon=True)
        for _ in range(browsers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield probe
    finally:
        stop.set()
        threads[0].join()
        print(f"  events heard by {browsers} browsers: {heard[0]}")


def metrics(listening: str, name: str) -> float:
    """The sum of a metric's samples; 0 before there are any."""
    try:
        with urllib.request.urlopen(f"http://{listening}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
    except urllib.error.URLError:
        return 0.0
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def scored(told: Settings) -> float:
    return metrics(told.detectors.listen, "sidelight_detectors_exchanges_total")


def behind(told: Settings) -> float:
    return metrics(told.dashboard.listen, "sidelight_dashboard_lag_records")


def is_ready(told: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://{told.dashboard.listen}/readyz", timeout=60):
            return True
    except urllib.error.URLError:
        return False


def told_records(told: Settings) -> dict[str, int]:
    with closing(open_log(told.log)) as log:
        return {topic: log.span(topic, 0).end for topic in (PANES, RESULTS, ALARMS)}


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def live(config: Path, told: Settings, exchanges: int, browsers: int) -> None:
    """Detectors at full speed, a dashboard beside them."""
    lags: list[float] = []
    with ExitStack() as stack:
        board = stack.enter_context(running("dashboard", config))
        while not is_ready(told):
            time.sleep(0.1)
        used = cpu_seconds(board)
        probe = stack.enter_context(watched(told, browsers))
        detectors = stack.enter_context(running("detectors", config))
        begun = time.perf_counter()
        while scored(told) < exchanges:
            time.sleep(0.5)
            lags.append(behind(told))
        seconds = time.perf_counter() - begun
        while behind(told):
            time.sleep(0.1)
        after = time.perf_counter() - begun - seconds
        records = sum(told_records(told).values())
        used = cpu_seconds(board) - used
        print(
            f"live: {exchanges * ROWS / seconds:,.0f} rows/s scored for {seconds:.0f} s,"
            f" {records / seconds:,.0f} records/s told\n"
            f"  behind: median {statistics.median(lags):,.0f}, most {max(lags):,.0f} records;"
            f" {after:.1f} s after the end\n"
            f"  processor: {used / seconds:.0%} of a core,"
            f" {1e6 * used / records:,.0f} us a record"
            f" (detectors {cpu_seconds(detectors) / seconds:.0%})\n"
            f"  memory: {board.memory_info().rss / 1e6:,.0f} MB"
        )
    _tell(probe)


def caught_up(config: Path, told: Settings, browsers: int) -> None:
    """A dashboard with an empty store takes all there is."""
    for file in (config.parent / "own").glob("*"):
        file.unlink()
    with ExitStack() as stack:
        board = stack.enter_context(running("dashboard", config))
        begun = time.perf_counter()
        while not metrics(told.dashboard.listen, "process_start") and not behind(told):
            time.sleep(0.05)
        probe = stack.enter_context(watched(told, browsers))
        while not is_ready(told):
            time.sleep(0.1)
        seconds, used = time.perf_counter() - begun, cpu_seconds(board)
        records = told_records(told)
        whole = sum(records.values())
        print(
            f"catching up: {json.dumps(records)} in {seconds:.1f} s,"
            f" {whole / seconds:,.0f} records/s, {1e6 * used / whole:,.0f} us of the processor each"
            f"\n  memory: {board.memory_info().rss / 1e6:,.0f} MB"
        )
        busy, probe.seconds = replace(probe, seconds=probe.seconds), {}
        _tell(busy)
        time.sleep(IDLE_SECONDS)
    print(f"idle, for {IDLE_SECONDS} s")
    _tell(probe)


def _tell(probe: Probe) -> None:
    for page, seconds in probe.seconds.items():
        print(
            f"  {page:<40} median {1e3 * statistics.median(seconds):6.0f} ms"
            f"   p99 {1e3 * _p99(seconds):6.0f}   worst {1e3 * max(seconds):6.0f}"
            f"   of {len(seconds)}"
        )
    print(f"  answers of 5xx: {probe.failed}")


def _p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(0.99 * (len(seconds) - 1))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--exchanges", type=int, default=60_000)
    parser.add_argument("--browsers", type=int, default=50)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        told = configured(Path(folder), asked.models)
        config = Path(folder) / "sidelight.json"
        config.write_text(told.model_dump_json(exclude_unset=True))
        fill(told, asked.exchanges)
        live(config, told, asked.exchanges, asked.browsers)
        caught_up(config, told, asked.browsers)


if __name__ == "__main__":
    main()
