"""How often is an alarm false? Quiet streams of 30 correlated columns, references redrawn.

    python -m benchmarks.false_alarms [--runs 200] [--rows 1000000] [--beside 10]

For each rule: streams with any alarm, with the exact 95 % limits of its chance; and for the run
length mode the mean rows between alarms. Beside it what is usual: a KS test of every window with
Bonferroni's correction, and, where their environments are given (SIDELIGHT_EVIDENTLY_PYTHON,
SIDELIGHT_ALIBI_PYTHON), Evidently's default and alibi-detect's online Cramer-von Mises detector.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks.streams.quiet import Stream, rows_until_raised
from sidelight_detectors.alarms.rule import WHOLE

ALPHA, WINDOW = 0.05, 1000
RUN_LENGTH = 20_000
PEERS = Path(__file__).parent / "peers"


def quiet(seed: int, rows: int, **alarm: Any) -> int | None:
    """Rows until a false alarm of a quiet stream; None when there is none."""
    drift = {"tolerance": 0.0, "alarm": {"rule": "sequential", "false_alarms": ALPHA, **alarm}}
    stream = Stream(np.random.default_rng(seed), drift)
    return rows_until_raised(stream.rule(), stream.panes(rows))


def bonferroni(seed: int, rows: int) -> int:
    """Windows of a quiet stream in which some column's p-value is below alpha / columns."""
    stream = Stream(np.random.default_rng(seed), {"window": WINDOW, "tolerance": 0.0})
    windows = stream.windows(rows, WINDOW)
    return sum(_smallest_p(stream, window) < ALPHA / 30 for window in windows)


def _smallest_p(stream: Stream, window: Any) -> float:
    return min(one.p_value for one in stream.fitted.judge(window, 1).columns)


def run_lengths(seed: int, rows: int) -> Iterator[int]:
    """Rows between the false alarms of one quiet stream; the last stretch, cut off, is left out.

    Leaving it out makes the mean too small, never too large.
    """
    alarm = {"rule": "sequential", "run_length": RUN_LENGTH}
    stream = Stream(np.random.default_rng(seed), {"tolerance": 0.0, "alarm": alarm})
    rule, length = stream.rule(), 0
    for pane in stream.panes(rows):
        length += pane.rows
        if (verdict := rule.observe({WHOLE: pane})) and verdict.change == "raised":
            yield length
            rule, length = stream.rule(), 0


def tell(name: str, count: int, runs: int) -> float:
    """Prints one line; the upper limit of the chance."""
    low, high = binomtest(count, runs).proportion_ci(0.95, method="exact")
    print(f"{name:<44} {count:4} of {runs:4} streams   95 %: {low:.4f} to {high:.4f}", flush=True)
    return float(high)


def ours(runs: int, rows: int) -> float:
    """The upper limit of the chance of any false alarm."""
    began = time.perf_counter()
    found = [quiet(seed, rows) is not None for seed in range(runs)]
    high = tell(f"sequential, alpha {ALPHA:g}", sum(found), runs)
    speed = runs * rows / (time.perf_counter() - began)
    verdict = "at most" if high <= ALPHA else "not yet shown to be at most"
    print(f"  upper limit {high:.4f} is {verdict} alpha {ALPHA:g}; {speed:,.0f} rows/s")
    return high


def lengths(runs: int, rows: int) -> None:
    found = [length for seed in range(runs) for length in run_lengths(seed, rows)]
    total, alarms = runs * rows, len(found)
    per = f"{total / alarms:,.0f} rows" if alarms else f"more than {total:,} rows"
    print(f"run length {RUN_LENGTH:,}: {alarms} alarms in {total:,} rows, one in {per}", flush=True)


def peer(variable: str, script: str, title: str, runs: int) -> None:
    python = os.environ.get(variable)
    if not python:
        print(f"{title:<44} not measured: set {variable} to a Python that has it")
        return
    for seed in range(runs):
        command = [python, str(PEERS / script), "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"{title:<44} run {seed}: {done.stdout.strip().splitlines()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--beside", type=int, default=10)
    options = parser.parse_args()
    print(f"python -m benchmarks.false_alarms --runs {options.runs} --rows {options.rows}")
    ours(options.runs, options.rows)
    lengths(options.beside, options.rows)
    counts = [bonferroni(seed, options.rows) for seed in range(options.beside)]
    tell("KS a window, Bonferroni", sum(map(bool, counts)), options.beside)
    print(f"  alarms a stream: {np.mean(counts):.0f} in {options.rows // WINDOW:,} windows")
    peer("SIDELIGHT_EVIDENTLY_PYTHON", "evidently_quiet.py", "Evidently's default", options.beside)
    peer("SIDELIGHT_ALIBI_PYTHON", "alibi_quiet.py", "alibi-detect online CvM", options.beside)


if __name__ == "__main__":
    main()
