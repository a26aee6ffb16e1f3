"""alibi-detect's detectors beside ours, and what its online ones cost as time goes by.

Runs itself in the environment of `scripts/peer-venv alibi-detect`, where both are installed, on one
core; times are that core's. KS: 30 columns, a reference of 10,000 rows; ours is index, summarise
and judge, by default and in exact mode. Online: alibi-detect's own `predict`, which keeps all it
ever saw, and the same detector as we run it. Run: ``python -m benchmarks.alibi``.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (ROOT, *(ROOT / room for room in ("logger", "detectors", "explainers")))
COLUMNS = 30
REFERENCE_ROWS = 10_000
WINDOWS = (100, 1000)
EVENTS = 100_000
SECONDS = 3.0

Matrix = NDArray[np.float64]


def main() -> None:
    if importlib.util.find_spec("alibi_detect") is None:
        sys.exit(_in_the_peers_environment())
    batches()
    online()


def _in_the_peers_environment() -> int:
    subprocess.run([ROOT / "scripts" / "peer-venv", "alibi-detect"], check=True)
    python = ROOT / "build" / "peers" / "alibi-detect" / "bin" / "python"
    one_core = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    env = {**os.environ, **one_core, "PYTHONPATH": os.pathsep.join(map(str, ROOMS))}
    command = [str(python), "-m", "benchmarks.alibi"]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def batches() -> None:
    """Rows a second of one window after the other."""
    random = np.random.default_rng(0)
    reference = random.normal(size=(REFERENCE_ROWS, COLUMNS))
    works = (_alibi().KSDrift(reference).predict, _ours(reference), _ours(reference, exact=True))
    print(f"\nKS, {COLUMNS} columns, reference {REFERENCE_ROWS:,} rows, rows/s on one core\n")
    print(
        f"{'window':>8} {'alibi-detect':>14} {'ours':>12} {'ratio':>7} {'exact':>12} {'ratio':>7}"
    )
    for window in WINDOWS:
        rows = random.normal(size=(window, COLUMNS))
        theirs, *ours = (window / _seconds(partial(work, rows)) for work in works)
        told = "".join(f"{rate:>13,.0f} {rate / theirs:>7.1f}" for rate in ours)
        print(f"{window:>8} {theirs:>14,.0f}{told}")


def _ours(reference: Matrix, **asked: Any) -> Callable[[Matrix], Any]:
    from sidelight.config.settings import ModelSettings
    from sidelight_detectors.fitted import fit

    drift = {"window": min(WINDOWS), **asked}
    fitted = fit(_columns(reference), ModelSettings.model_validate({"detectors": {"drift": drift}}))
    return lambda rows: fitted.judge(fitted.summarise(fitted.index(_columns(rows))), 1)


def _columns(rows: Matrix) -> Any:
    from sidelight.tensors import Columns

    return Columns.of(**{f"x{number}": rows[:, number] for number in range(rows.shape[1])})


def _seconds(work: Callable[[], Any]) -> float:
    """Of one call, the mean over a while."""
    work()
    calls, begin = 0, time.process_time()
    while time.process_time() < begin + SECONDS:
        work()
        calls += 1
    return (time.process_time() - begin) / calls


def online() -> None:
    """Microseconds an event and memory kept, early and late."""
    from sidelight_detectors.alibi.rowwise import Online
    from sidelight_detectors.alibi.seeding import reseed

    random = np.random.default_rng(1)
    args = {"ert": 100, "window_sizes": [20], "n_bootstraps": 2000, "verbose": False}
    print(f"\nonline, 5 columns, reference 200 rows, {EVENTS:,} events\n")
    print(f"{'':>26} {'µs, first 1000':>15} {'µs, last 1000':>15} {'kept, kB':>10} {'note, kB':>9}")
    reseed(0, 0)
    made = _alibi().CVMDriftOnline(random.normal(size=(200, 5)), **args)
    rows = random.normal(size=(EVENTS, 5))
    held = Online(copy.deepcopy(made), 0)
    _told("CVMDriftOnline", made.predict, rows, None)
    _told("CVMDriftOnline, ours", held.predict, rows, held)


def _alibi() -> Any:
    return importlib.import_module("alibi_detect.cd")


def _told(name: str, predict: Callable[[Matrix], Any], rows: Matrix, held: Any) -> None:
    import orjson

    predict(rows[0])
    first = _time(predict, rows[1:1001])
    tracemalloc.start()
    _time(predict, rows[1001:-1000])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    last = _time(predict, rows[-1000:])
    note = f"{len(orjson.dumps(held.saved())) / 1e3:.1f}" if held else "-"
    print(f"{name:>26} {first:>15.0f} {last:>15.0f} {kept / 1e3:>10.0f} {note:>9}")


def _time(predict: Callable[[Matrix], Any], rows: Matrix) -> float:
    begin = time.process_time()
    for row in rows:
        predict(row)
    return (time.process_time() - begin) / len(rows) * 1e6


if __name__ == "__main__":
    main()
