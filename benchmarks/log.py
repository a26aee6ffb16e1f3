"""The log: records a second and CPU a record, appended and read. ``python -m benchmarks.log``

Beside the local log stands a bare file with a checksum a record, written and synced the same way:
the least that any log could do. Values are 1 KiB. With ``--kafka`` the log on Kafka follows, beside
the local one, on a broker of its own; CPU is that of this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread, Timer
from zlib import crc32

from sidelight.config.settings import LogSettings
from sidelight.log import Log, Record, open_log

VALUE = os.urandom(1024)
SECONDS = 3.0
Step = Callable[[], int]


def measure(name: str, step: Step, peer: float | None = None) -> float:
    """Repeat `step`, which answers how many records it did; print and return records a second."""
    done, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < SECONDS and (records := step()):
        done += records
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ratio = f"{done / wall / peer:10.2f}" if peer else " " * 10
    print(f"{name:52}{done / wall:12,.0f}{cpu / done * 1e6:12.1f}{ratio}", flush=True)
    return done / wall


def appending(log: Log, size: int) -> Step:
    def step() -> int:
        return len(log.append("inference", [Record(VALUE, b"key") for _ in range(size)]))

    return step


def reading(log: Log) -> Step:
    offset = log.span("inference", 0).begin

    def step() -> int:
        nonlocal offset
        found = log.read("inference", 0, offset)
        offset = found[-1].address.offset + 1 if found else offset
        return len(found)

    return step


def bare_file(path: Path, size: int, *, sync: bool) -> Step:
    file = path.open("ab", buffering=0)

    def step() -> int:
        parts = [part for _ in range(size) for part in (crc32(VALUE).to_bytes(4, "big"), VALUE)]
        file.write(b"".join(parts))
        if sync:
            os.fdatasync(file.fileno())
        return size

    return step


def appending_in_threads(log: Log, threads: int) -> Step:
    def step() -> int:
        single = appending(log, 1)
        workers = [Thread(target=lambda: [single() for _ in range(50)]) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return 50 * threads

    return step


def beside_another_writer(place: Path, log: Log) -> None:
    """This process and another append to one partition; both rates count."""
    program = (
        "import sys, time\nfrom benchmarks.log import *\n"
        "log = open_log(LogSettings(url=sys.argv[1], retain_bytes=2 << 30))\n"
        "step = appending(log, 100)\nprint(flush=True)\n"
        "measure('  the other of the two', step)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(place)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    other.stdout.readline()
    measure("two processes, one partition, batches of 100", appending(log, 100))
    print(other.communicate()[0], end="")


def waking(log: Log) -> None:
    """How long after an append a waiting reader has the record."""
    delays = []
    for _ in range(40):
        end = log.span("inference", 0).end
        Timer(0.05, appending(log, 1)).start()
        found = log.read("inference", 0, end, wait_seconds=5)
        delays.append((time.time_ns() - found[0].appended_ns) / 1e6)
    delays.sort()
    print(f"waking a reader: median {delays[20]:.1f} ms, longest {delays[-1]:.1f} ms")


def on_kafka(folder: Path) -> None:
    """One partition of one broker, which shares the machine with this process."""
    from sidelight.demo.broker import Broker
    from sidelight.log.kafka.plans import plans
    from sidelight.log.kafka.standing import create

    local = open_log(str(folder / "beside"))
    with Broker(folder / "kafka") as broker:
        settings = LogSettings(url=f"kafka://{broker.bootstrap}/bench")
        create(settings, plans(settings))
        log = open_log(settings)
        for size in (1000, 100, 1):
            peer = measure(f"local: append, batches of {size}", appending(local, size))
            measure(f"Kafka: append, batches of {size}", appending(log, size), peer)
        peer = measure("local: read", reading(local))
        measure("Kafka: read", reading(log), peer)
        waking(log)
        log.close()
    local.close()


def main() -> None:
    print(f"{'':52}{'records/s':>12}{'CPU µs/rec':>12}{'vs file':>10}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        place = Path(folder)
        for size in (100, 1):
            for durability, sync in (("process", False), ("power", True)):
                name = f"{durability}, batches of {size}"
                bare = bare_file(place / f"{size}{sync}", size, sync=sync)
                peer = measure(f"bare file, {name}", bare)
                log = open_log(
                    LogSettings.model_validate(
                        {
                            "url": str(place / name),
                            "durability": durability,
                            "retain_bytes": 2 << 30,
                        }
                    )
                )
                measure(f"append, {name}", appending(log, size), peer)
                if size == 1:
                    measure(f"append, {name}, 16 threads", appending_in_threads(log, 16), peer)
                if name == "process, batches of 100":
                    measure("read, one reader", reading(log))
                    beside_another_writer(place / name, log)
                    waking(log)
                log.close()
        if "--kafka" in sys.argv[1:]:
            print(f"{'':52}{'records/s':>12}{'CPU µs/rec':>12}{'vs local':>10}")
            on_kafka(place)


if __name__ == "__main__":
    main()
