"""alibi-detect's online detectors on the streams of `benchmarks.drift_delay`; runs in their Python.

The last line has the rows from the change to the alarm, a word a run: ``nan`` when an alarm came
before the change, ``inf`` when none came in time.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from alibi_detect.cd import CVMDriftOnline, MMDDriftOnline

COLUMNS, REFERENCE, QUIET, LIMIT, WINDOWS = 5, 1_000, 400, 4_000, (20, 80)


def draw(rng: np.random.Generator, rows: int) -> Any:
    common = rng.standard_normal((rows, 1))
    return 0.6 * common + 0.8 * rng.standard_normal((rows, COLUMNS))


def changed(rows: Any, name: str) -> Any:
    kind, size = name.rsplit(" ", 1)
    if kind == "mean of all":
        return rows + float(size)
    if kind == "scale of all":
        return rows * float(size)
    moved = rows.copy()
    moved[:, 0] += float(size)
    return moved


def made(kind: str, reference: Any, run_length: int) -> Any:
    more: dict[str, Any] = {"n_bootstraps": 10 * run_length, "verbose": False}
    if kind == "cvm":
        return CVMDriftOnline(reference, run_length, list(WINDOWS), **more)
    return MMDDriftOnline(reference, run_length, WINDOWS[-1], backend="pytorch", **more)


def delay(kind: str, change: str, run_length: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    detector = made(kind, draw(rng, REFERENCE).astype(np.float32), run_length)
    for row in draw(rng, QUIET).astype(np.float32):
        if detector.predict(row)["data"]["is_drift"]:
            return np.nan
    for number, row in enumerate(changed(draw(rng, LIMIT), change).astype(np.float32), 1):
        if detector.predict(row)["data"]["is_drift"]:
            return number
    return np.inf


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", choices=("cvm", "mmd"))
    parser.add_argument("--change")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--run-length", type=int)
    given = parser.parse_args()
    runs = range(given.runs)
    print(*[delay(given.detector, given.change, given.run_length, seed) for seed in runs])


if __name__ == "__main__":
    main()
