"""How often is an alarm false? Quiet streams of 30 correlated columns, references redrawn.

    python -m benchmarks.false_alarms [--runs 200] [--rows 1000000] [--beside 10] [--peers 2]

For each rule: streams with any alarm, with the exact 95 % limits of its chance; and for the run
length mode the mean rows before an alarm where there are any: every share at the null's edge.
Beside it what is usual: a KS test of every window with Bonferroni's correction, and, where their
environments are given (SIDELIGHT_EVIDENTLY_PYTHON of `scripts/peer-venv monitors`,
SIDELIGHT_ALIBI_PYTHON of `scripts/peer-venv alibi-detect`), Evidently's default and alibi-detect's
online Cramer-von Mises detector: minutes a run each, so a few runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest, sem, t

from benchmarks.streams.quiet import Stream, rows_until_raised
from sidelight_detectors.alarms.evidence import Evidence, steady
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.alarms.sequential import SequentialRule

ALPHA, WINDOW = 0.05, 1000
EDGE_COLUMNS, EDGE_REFERENCE, EDGE_PANE, EDGE_RUNS = 5, 1_000, 10, 100
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


def edge_run(seed: int, run_length: int, tolerance: float = 0.0) -> float:
    """Rows until the evidence reaches the run length, every share at the edge of the null.

    Bets are fair there; far inside the null there are next to no alarms.
    """
    rng, drift = np.random.default_rng(seed), {"tolerance": tolerance}
    stream = Stream(rng, drift, EDGE_COLUMNS, EDGE_REFERENCE)
    rule = stream.rule()
    assert isinstance(rule, SequentialRule)
    stakes = rule.stakes[WHOLE]
    evidence, edge = Evidence(stakes.bets, steady), np.clip(stakes.null.highest, 0, 1)
    trials = np.full(len(edge), float(EDGE_PANE))
    while evidence.value < run_length:
        # Every cut for itself: the promise holds whatever the dependence between them.
        evidence.fold(rng.binomial(EDGE_PANE, edge).astype(float), trials, EDGE_PANE)
    return evidence.units


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


def lengths(runs: int, run_length: int = 1_000) -> None:
    """The mean and its 95 % interval by Student's t."""
    found = [edge_run(seed, run_length) for seed in range(runs)]
    mean, error = float(np.mean(found)), float(sem(found))
    low, high = t.interval(0.95, runs - 1, mean, error)
    print(
        f"run length {run_length:,} at the null's edge, {runs} runs: {mean:,.0f} rows on average"
        f"   95 %: {low:,.0f} to {high:,.0f}",
        flush=True,
    )


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
    parser.add_argument("--peers", type=int, default=2)
    options = parser.parse_args()
    print(f"python -m benchmarks.false_alarms --runs {options.runs} --rows {options.rows}")
    ours(options.runs, options.rows)
    lengths(EDGE_RUNS)
    counts = [bonferroni(seed, options.rows) for seed in range(options.beside)]
    tell("KS a window, Bonferroni", sum(map(bool, counts)), options.beside)
    print(f"  alarms a stream: {np.mean(counts):.0f} in {options.rows // WINDOW:,} windows")
    peer("SIDELIGHT_EVIDENTLY_PYTHON", "evidently_quiet.py", "Evidently's default", options.peers)
    peer("SIDELIGHT_ALIBI_PYTHON", "alibi_quiet.py", "alibi-detect online CvM", options.peers)


if __name__ == "__main__":
    main()
