"""Rows a second through the drift detector on one core, and what a window costs.

    python -m benchmarks.detectors [--runs 20] [--alibi /path/to/its/python]

Thirty columns (22 continuous, 4 rounded, 4 of strings), a reference of 20,000 rows. "index" and
"observe" are what a scorer does to every batch, "judge" what a decider does once a window, and
"rows/s" all three. The tests alone are `measures: []`. The peer is `scipy.stats.ks_2samp` and
`chi2_contingency` on the same rows, once a window and column, as most monitors call them;
alibi-detect's `TabularDrift` runs in an environment of its own (strings as numbers).

Below it, false alarms on quiet streams: runs in which the spending rule ever raised one, beside a
threshold of alpha / columns in each window.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2_contingency, ks_2samp

from sidelight.config.detecting.drift import MeasureName
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.summary import Summary

REFERENCE, ALPHA, WINDOWS = 20_000, 0.05, 50

DRIFT = {
    "window": 1000,
    "tolerance": 0.0,
    "alarm": {"rule": "windows", "false_alarms": ALPHA},
}
KINDS: dict[str, dict[str, object]] = {
    "tests alone": {"measures": []},
    "default": {},
    "cvm alone": {"measures": [], "method": "cvm"},
    "all measures": {"measures": [*get_args(MeasureName)]},
    "exact, tests": {"exact": True, "measures": []},
    "exact": {"exact": True},
}
MODEL = ModelSettings.model_validate({"detectors": {"drift": DRIFT, "outlier": {"rate": 0.01}}})


def rows_of(rng: np.random.Generator, count: int) -> Columns:
    smooth = {f"x{i}": rng.normal(size=count) for i in range(22)}
    tied = {f"k{i}": rng.poisson(3.0 + i, size=count) for i in range(4)}
    words = np.array([f"category {i}" for i in range(12)], object)
    shares = 0.6 ** np.arange(12) / (0.6 ** np.arange(12)).sum()
    texts = {f"c{i}": rng.choice(words, count, p=shares) for i in range(4)}
    return Columns.of(**smooth, **tied, **texts)


def seconds(action: Callable[[], object], budget: float = 0.5) -> float:
    """The median time of a call, over at least five."""
    times: list[float] = []
    while len(times) < 5 or sum(times) < budget:
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def peer(reference: Columns, window: Columns) -> None:
    for column in window:
        known, seen = reference[column.name].values, column.values
        if column.kind == "number":
            ks_2samp(seen, known, method="asymp")
        else:
            found = sorted({*known, *seen})
            table = [[(side == text).sum() for text in found] for side in (seen, known)]
            chi2_contingency(table, correction=False)


def _scan(fitted: Fitted, rows: Columns) -> Summary:
    return fitted.summarise(fitted.index(rows))


def speed(reference: Columns, rng: np.random.Generator) -> None:
    head = ("window", "kind", "index", "observe", "judge", "rows/s", "scipy", "ratio")
    print("{:>6} {:14} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6}".format(*head))
    for count in (100, 1000):
        rows = rows_of(rng, count)
        other = seconds(partial(peer, reference, rows))
        for kind, settings in KINDS.items():
            drift = {"drift": {**DRIFT, **settings}}
            fitted = fit(reference, ModelSettings.model_validate({"detectors": drift}))
            times = _times(fitted, rows)
            told = " ".join(f"{one * 1e3:6.2f} ms" for one in times)
            print(
                f"{count:6} {kind:14} {told} {count / sum(times):9,.0f} {count / other:9,.0f}"
                f" {other / sum(times):5.0f}x"
            )


def _times(fitted: Fitted, rows: Columns) -> tuple[float, float, float]:
    cells = fitted.index(rows)
    summary = fitted.summarise(cells)
    return (
        seconds(partial(fitted.index, rows)),
        seconds(partial(fitted.observe, cells)),
        seconds(partial(fitted.judge, summary, 1)),
    )


ALIBI = """
import sys, time, numpy as np
from alibi_detect.cd import TabularDrift
found = np.load(sys.argv[1])
reference = found["reference"]
categories = {place: None for place in range(26, 30)}
detector = TabularDrift(reference, p_val=0.05, categories_per_feature=categories)
for name in ("w100", "w1000"):
    rows, times = found[name], []
    for _ in range(5):
        begin = time.perf_counter()
        detector.predict(rows)
        times.append(time.perf_counter() - begin)
    print(name[1:], sorted(times)[2])
"""


def alibi(python: str, reference: Columns, rng: np.random.Generator) -> None:
    """alibi-detect's rate on the same kind of rows, strings as the numbers in them."""
    with TemporaryDirectory() as folder:
        path = f"{folder}/rows.npz"
        small, large = (_numbers(rows_of(rng, count)) for count in (100, 1000))
        np.savez(path, reference=_numbers(reference), w100=small, w1000=large)
        command = [python, "-c", ALIBI, path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"alibi-detect does not run there: {done.stderr.strip().splitlines()[-1]}")
    for line in done.stdout.splitlines():
        count, took = line.split()
        print(f"{count:>6} alibi-detect's TabularDrift {int(count) / float(took):9,.0f} rows/s")


def _numbers(rows: Columns) -> NDArray[np.float64]:
    columns = [
        column.values
        if column.kind == "number"
        else np.array([float(text.split()[1]) for text in column.values])
        for column in rows
    ]
    return np.column_stack(columns).astype(np.float64)


def false_alarms(runs: int) -> None:
    ever, naive = 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        fitted = fit(rows_of(rng, REFERENCE), MODEL)
        summaries = (_scan(fitted, rows_of(rng, 1000)) for _ in range(WINDOWS))
        findings = [fitted.judge(summary, k + 1) for k, summary in enumerate(summaries)]
        ever += any(finding.is_drift for finding in findings)
        smallest = min(column.p_value for finding in findings for column in finding.columns)
        naive += smallest < ALPHA / len(fitted.columns)
    for name, count in (("spending rule", ever), ("per window", naive)):
        low, high = binomtest(count, runs).proportion_ci(0.95, method="exact")
        print(f"{name:>14}: {count} of {runs} quiet runs alarmed (95 %: {low:.2f} to {high:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--alibi", help="a python that has alibi-detect (scripts/peer-venv)")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    reference = rows_of(rng, REFERENCE)
    begin = time.perf_counter()
    fitted = fit(reference, MODEL)
    took = time.perf_counter() - begin
    pane = len(_scan(fitted, rows_of(rng, 1000)).to_bytes())
    print("python -m benchmarks.detectors")
    print(f"fit: {took:.2f} s; a pane of 1,000 rows: {pane:,} bytes")
    speed(reference, rng)
    if arguments.alibi:
        alibi(arguments.alibi, reference, rng)
    if arguments.runs:
        print(f"false alarms in {WINDOWS} windows of {len(fitted.columns)} columns, alpha {ALPHA}")
        false_alarms(arguments.runs)


if __name__ == "__main__":
    main()
