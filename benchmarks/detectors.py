"""Rows a second through the detectors on one core, and what a window costs.

    python -m benchmarks.detectors [--runs 20]

Thirty columns (22 continuous, 4 rounded, 4 of strings), a reference of 20,000 rows, default cells.
"index + summarise" is what a scorer does to every batch, "score" what it adds for the rows
themselves, "judge" what a decider does once a window. The peer is `scipy.stats.ks_2samp` and
`chi2_contingency` on the same rows, once a window and column, as most monitors call them.

Below it, false alarms on quiet streams: runs in which the spending rule ever raised one, beside a
threshold of alpha / columns in each window.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import binomtest, chi2_contingency, ks_2samp

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.summary import Summary

REFERENCE, ALPHA, WINDOWS = 20_000, 0.05, 50

DRIFT = {"window": 1000, "tolerance": 0.0, "alarm": {"false_alarms": ALPHA}}
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


def speed(fitted: Fitted, reference: Columns, rng: np.random.Generator) -> None:
    print(f"{'window':>7} {'index+summarise':>16} {'score':>12} {'judge':>9} {'peer':>11} ratio")
    for count in (250, 1000, 5000):
        rows = rows_of(rng, count)
        cells = fitted.index(rows)
        summary = fitted.summarise(cells)
        ours = seconds(partial(_scan, fitted, rows))
        score = seconds(partial(fitted.score, cells))
        judge = seconds(partial(fitted.judge, summary, 1))
        other = seconds(partial(peer, reference, rows))
        print(
            f"{count:7} {count / ours:10,.0f} r/s {count / score:8,.0f} r/s {judge * 1e3:6.2f} ms"
            f" {count / other:7,.0f} r/s {other / (ours + judge):5.0f}x"
        )


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
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    reference = rows_of(rng, REFERENCE)
    begin = time.perf_counter()
    fitted = fit(reference, MODEL)
    took = time.perf_counter() - begin
    pane = len(_scan(fitted, rows_of(rng, 1000)).to_bytes())
    print("python -m benchmarks.detectors")
    print(f"fit: {took:.2f} s; a pane of 1,000 rows: {pane:,} bytes")
    speed(fitted, reference, rng)
    print(f"false alarms in {WINDOWS} windows of {len(fitted.columns)} columns, alpha {ALPHA}")
    false_alarms(arguments.runs)


if __name__ == "__main__":
    main()
