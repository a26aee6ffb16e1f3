"""How soon is a change found? Rows from the change to the alarm.

    python -m benchmarks.drift_delay [--runs 10]

First against the rule of the windows (alpha spending): one of 30 correlated columns moves after
200,000 quiet rows. Then, at one run length and five columns, against alibi-detect's online
detectors (set SIDELIGHT_ALIBI_PYTHON to a Python that has it), which see one row at a time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.streams.quiet import Change, Stream, rows_until_raised
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.summary import Summary

QUIET, LIMIT, WINDOW = 200_000, 60_000, 1000
SHIFTS = (0.1, 0.15, 0.25, 0.5)
RUN_LENGTH, FEW, SMALL_PANE = 1_000, 5, 10
ONLINE_QUIET, ONLINE_LIMIT, ONLINE_REFERENCE = 400, 4_000, 1_000
PEERS = Path(__file__).parent / "peers"
CHANGES = ("mean of all 0.5", "scale of all 1.5", "mean of one 1.0")


def moved(rows: NDArray[np.float64], by: float) -> None:
    rows[:, 3] += by


def change_of(name: str) -> Change:
    """A change of `CHANGES`, in standard deviations."""
    kind, size = name.rsplit(" ", 1)

    def change(rows: NDArray[np.float64]) -> None:
        match kind:
            case "mean of all":
                rows += float(size)
            case "scale of all":
                rows *= float(size)
            case _:
                rows[:, 0] += float(size)

    return change


def sequential(seed: int, tolerance: float, change: Change) -> float:
    """Rows from the change to the alarm; infinite when it comes not in time, NaN before it."""
    stream = Stream(np.random.default_rng(seed), {"tolerance": tolerance})
    rule = stream.rule()
    if rows_until_raised(rule, stream.panes(QUIET)) is not None:
        return np.nan
    return rows_until_raised(rule, stream.panes(LIMIT, change)) or np.inf


def by_windows(seed: int, tolerance: float, change: Change) -> float:
    drift = {"tolerance": tolerance, "window": WINDOW, "alarm": {"rule": "windows"}}
    stream = Stream(np.random.default_rng(seed), drift)
    quiet = stream.windows(QUIET, WINDOW)
    if any(_drifts(stream, quiet, 1)):
        return np.nan
    after = _drifts(stream, stream.windows(LIMIT, WINDOW, change), 1 + QUIET // WINDOW)
    return next((WINDOW * number for number, found in enumerate(after, 1) if found), np.inf)


def _drifts(stream: Stream, windows: Iterator[Summary], first: int) -> Iterator[bool]:
    return (stream.fitted.judge(one, number).is_drift for number, one in enumerate(windows, first))


def online(seed: int, change: Change) -> float:
    """As `sequential`, in the run length mode, with a small reference and panes of ten rows."""
    drift = {"tolerance": 0.0, "alarm": {"run_length": RUN_LENGTH}}
    stream = Stream(np.random.default_rng(seed), drift, FEW, ONLINE_REFERENCE)
    rule = stream.rule()
    for pane in stream.panes(ONLINE_QUIET, size=SMALL_PANE):
        if rule.observe({WHOLE: pane}):
            return np.nan
    after = stream.panes(ONLINE_LIMIT, change, SMALL_PANE)
    return rows_until_raised(rule, after) or np.inf


def told(delays: list[float]) -> str:
    false = int(np.isnan(delays).sum())
    found = [delay for delay in delays if not np.isnan(delay)]
    median = np.median(found) if found else np.inf
    text = f"{median:8,.0f}" if np.isfinite(median) else "   never"
    return f"{text}" + (f" ({false} before it)" if false else "")


def peer(kind: str, change: str, runs: int) -> str:
    python = os.environ.get("SIDELIGHT_ALIBI_PYTHON")
    if not python:
        return "     n/a"
    command = [python, str(PEERS / "alibi_online.py"), "--detector", kind, "--change", change]
    command += ["--runs", str(runs), "--run-length", str(RUN_LENGTH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "     n/a"
    return told([float(word) for word in done.stdout.strip().splitlines()[-1].split()])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--online-runs", type=int, default=3)
    options = parser.parse_args()
    runs, online_runs = options.runs, options.online_runs
    print(f"python -m benchmarks.drift_delay --runs {runs}")
    print(f"median rows to the alarm, one of 30 columns, after {QUIET:,} quiet rows")
    print("tolerance  shift  sequential  windows")
    for tolerance in (0.0, 0.05):
        for shift in SHIFTS:
            change = partial(moved, by=shift)
            ours = told([sequential(seed, tolerance, change) for seed in range(runs)])
            theirs = told([by_windows(seed, tolerance, change) for seed in range(runs)])
            print(f"{tolerance:9}  {shift:5}  {ours:>10}  {theirs}", flush=True)
    print(f"run length {RUN_LENGTH:,}, {FEW} columns, reference of {ONLINE_REFERENCE:,}")
    print("change            sequential  alibi CvM  alibi MMD")
    for name in CHANGES:
        ours = told([online(seed, change_of(name)) for seed in range(runs)])
        both = [peer(kind, name, online_runs) for kind in ("cvm", "mmd")]
        print(f"{name:<16}  {ours:>10}  {'  '.join(both)}", flush=True)


if __name__ == "__main__":
    main()
