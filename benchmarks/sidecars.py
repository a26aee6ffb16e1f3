"""What a sidecar costs a prediction: ours beside nginx, aiohttp's and KServe's agent, in one run.

    python -m benchmarks.sidecars [--seconds 5] [--agent PATH] [--only NAME ...]

The sidecar has one core (all of its processes), the load (`h2load`) and the model server (a raw
asyncio protocol that answers 1 KiB) the other. Latency is taken at a fixed rate, whatever the
answers do; requests a second per core are what a second of the sidecar's processor time forwards
and captures. `agent` is KServe's, built from its public module, its sink a server that takes all.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks import _loads
from benchmarks._loads import Load, Outcome
from benchmarks._sidecars import Sidecar, agent, aiohttp, model_server, nginx, ours

PATH = "/v2/models/income/infer"
JSON = ("Content-Type: application/json", "Accept: */*", "Accept-Encoding: gzip, deflate")
REDACTION: dict[str, Any] = {"redact": {"columns": {"x0": "drop"}, "patterns": [r"\b[0-9]{16}\b"]}}
_PACED = 2
"""Connections at a fixed rate: `h2load` asks on all of them in one burst, and waits."""
Start = Callable[[int, Path], AbstractContextManager[Sidecar]]


def bodies(folder: Path) -> Iterator[tuple[str, Path, float]]:
    """Name, file and the rate at which latency is taken."""
    for name, rows, rate in (("1 KiB", 10, 2000.0), ("100 KiB", 1200, 500.0)):
        yield name, _written(folder / name.replace(" ", ""), _rows(rows)), rate
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    tensor = {"name": "image", "shape": [1, 224, 224, 3], "datatype": "UINT8"}
    whole = orjson.dumps({"inputs": [{**tensor, "data": image.ravel().tolist()}]})
    yield "image", _written(folder / "image", whole), 50.0


def _rows(count: int) -> bytes:
    values = np.random.default_rng(0).normal(size=(6, count)).round(9)
    inputs = [
        {"name": f"x{at}", "shape": [count], "datatype": "FP64", "data": column.tolist()}
        for at, column in enumerate(values)
    ]
    return orjson.dumps({"inputs": inputs})


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def sidecars(binary: Path | None, sink: int) -> dict[str, Start]:
    """Those that can be started here, by name."""
    found: dict[str, Start] = {
        "sidelight": ours,
        "sidelight, redacting": partial(ours, **REDACTION),
        "sidelight, no bodies": partial(ours, capture="metadata"),
    }
    if shutil.which("nginx"):
        found["nginx"] = nginx
    found["aiohttp"] = aiohttp
    if binary is not None:
        found["KServe agent"] = partial(agent, binary=binary, sink=sink)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--agent", type=Path, help="KServe's agent, built")
    parser.add_argument("--only", nargs="+", help="sidecars to measure")
    arguments = parser.parse_args()
    if reason := _loads.missing():
        print(reason)
        return
    with tempfile.TemporaryDirectory() as folder, model_server() as model, model_server() as sink:
        starts = sidecars(arguments.agent, sink)
        wanted = {name: starts[name] for name in arguments.only or starts}
        for name, body, rate in bodies(Path(folder)):
            print(f"\n{name} ({body.stat().st_size:,} bytes) in, 1 KiB out, {rate:,.0f} a second")
            compare(model, body, rate, arguments.seconds, wanted)


def compare(model: int, body: Path, rate: float, seconds: float, starts: dict[str, Start]) -> None:
    """Print the direct call and a row for each sidecar."""
    print(f"{'':22}{'p50 ms':>8}{'added':>8}{'p99 ms':>8}{'added':>8}", end="")
    print(f"{'CPU us':>9}{'per core':>10}{'max/s':>9}{'failed':>8}  CPU us by process")
    steady = Load(connections=_PACED, seconds=seconds, rate=rate)
    full = Load(connections=16, seconds=seconds)
    direct = asked(model, steady, body)
    most = asked(model, full, body)
    print(
        f"{'direct':22}{direct.p50_ms:8.3f}{'':8}{direct.p99_ms:8.3f}{'':26}{most.per_second:10,.0f}"
    )
    for name, start in starts.items():
        with started(start, model) as sidecar:
            asked(sidecar.port, Load(_PACED, 1.0, rate), body)
            found = asked(sidecar.port, steady, body)
            before = sidecar.cpu_seconds()
            most = asked(sidecar.port, full, body)
            spent = sidecar.cpu_seconds()
        each = {part: (spent[part] - before[part]) * 1e6 / most.answered for part in spent}
        whole = sum(each.values())
        print(f"{name:22}{found.p50_ms:8.3f}{found.p50_ms - direct.p50_ms:8.3f}", end="")
        print(f"{found.p99_ms:8.3f}{found.p99_ms - direct.p99_ms:8.3f}{whole:9.1f}", end="")
        failed = found.failed + most.failed
        print(f"{1e6 / whole:10,.0f}{most.per_second:9,.0f}{failed:8}  ", end="")
        print(", ".join(f"{part} {us:.1f}" for part, us in each.items()), flush=True)


@contextmanager
def started(start: Start, model: int) -> Iterator[Sidecar]:
    with ExitStack() as closed:
        folder = closed.enter_context(tempfile.TemporaryDirectory())
        yield closed.enter_context(start(model, Path(folder)))


def asked(port: int, load: Load, body: Path) -> Outcome:
    return _loads.run(f"http://127.0.0.1:{port}{PATH}", load, body, JSON)


if __name__ == "__main__":
    main()
