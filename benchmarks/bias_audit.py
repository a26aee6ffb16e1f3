"""How often is an alarm of bias false, and how late is a true one? Many streams of decisions.

    python -m benchmarks.bias_audit [--streams 1000] [--rows 1000000] [--runs 300]

First streams that are fair, or as far apart as is just allowed: how many are ever alarmed, with the
exact 95 % limits of that chance. Then streams 0.05 further apart than is allowed, from their first
row, or after 50,000 fair ones, or one of ten that are compared under one alarm: median rows until
the alarm by the rows of a fixed-sample test of 90 % power (with Bonferroni's correction, of ten).
Beside it betting on pairs of rows, one of each group, by online Newton steps (Chugg,
Cortes-Gomez, Wilder, Ramdas, "Auditing Fairness by Betting", NeurIPS 2023) up to 1 / alpha: it
sees every pair in its order, and leaves out the larger group's other rows. Last the same of means.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.streams.decisions import (
    ALPHA,
    Pair,
    panes_of_means,
    rows_until_raised,
    until_raised,
)

QUIET = {
    "no gap, tolerance 0.1": Pair(0.3, 0.3),
    "gap 0.1, tolerance 0.1": Pair(0.35, 0.25),
    "gap 0.1, one group 5 %": Pair(0.35, 0.25, share=0.05),
    "gap 0.1, rates near 0": Pair(0.11, 0.01),
    "no gap, tolerance 0": Pair(0.3, 0.3, tolerance=0.0),
}

BIASED = {
    ".50 and .35": Pair(0.5, 0.35),
    ".20 and .05": Pair(0.2, 0.05),
    ".35 and .50, first group 20 %": Pair(0.35, 0.5, share=0.2),
    ".30 and .45, first group 5 %": Pair(0.3, 0.45, share=0.05),
    ".23 and .18, tolerance 0": Pair(0.23, 0.18, tolerance=0.0),
}

MEANS = {
    0.15: Pair(0.35, 0.3, tolerance=0.02),
    0.08: Pair(0.33, 0.3, tolerance=0.02),
    0.05: Pair(0.325, 0.3, tolerance=0.02),
    0.025: Pair(0.31, 0.3, tolerance=0.007),
}
"""By their standard deviation, in parts of the range."""


def fair(pair: Pair) -> Pair:
    """Both groups as the second."""
    return replace(pair, first=pair.second)


def by_pairs(
    seed: int, pair: Pair, streams: int, rows: int, before: int = 0
) -> NDArray[np.float64]:
    """Rows until betting on pairs reaches 1 / alpha: the mean of a bettor on each side."""
    rng = np.random.default_rng(seed)
    per_pair = 1 / min(pair.share, 1 - pair.share)
    log_wealth = np.zeros((2, streams))
    stake, squares = np.zeros((2, streams)), np.ones((2, streams))
    raised = np.full(streams, np.inf)
    for number in range(int((before + rows) / per_pair)):
        first = pair.first if number * per_pair >= before else pair.second
        gap = (rng.random(streams) < first) - 1.0 * (rng.random(streams) < pair.second)
        pay = np.stack([gap, -gap]) - pair.tolerance
        log_wealth += np.log1p(stake * pay)
        slope = pay / (1 + stake * pay)
        squares += slope**2
        stake = np.clip(stake + 2 / (2 - np.log(3)) * slope / squares, 0, 0.5)
        enough = np.logaddexp(*log_wealth) - np.log(2) >= np.log(1 / ALPHA)
        raised[np.isinf(raised) & enough] = (number + 1) * per_pair - before
    return raised


def tell_quiet(name: str, pair: Pair, streams: int, rows: int) -> float:
    """Prints a line; the upper limit of the chance."""
    began = time.perf_counter()
    alarms = int(np.isfinite(rows_until_raised(1, pair, streams, rows)).sum())
    low, high = binomtest(alarms, streams).proportion_ci(0.95, method="exact")
    took = time.perf_counter() - began
    limits = f"95 %: {low:.4f} to {high:.4f}"
    print(f"{name:<32}{alarms:5} of {streams} streams  {limits}  {took:6.1f} s", flush=True)
    return float(high)


def tell_biased(name: str, pair: Pair, runs: int) -> float:
    """Prints a line; the median delay from the first row, beside the fixed-sample test."""
    fixed = pair.fixed_sample()
    rows = int(6 * fixed)
    own = rows_until_raised(2, pair, runs, rows)
    later = rows_until_raised(3, pair, runs, rows, fair=fair(pair))
    tenth = rows_until_raised(6, pair, runs, rows, among=10)
    peer = by_pairs(4, pair, runs, rows)
    peer_later = by_pairs(5, pair, runs, rows, before=50_000)
    found = [np.median(one) / fixed for one in (own, later)]
    found.append(np.median(tenth) / pair.fixed_sample(alpha=ALPHA / 10))
    found += [np.median(one) / fixed for one in (peer, peer_later)]
    numbers = "".join(f"{one:11.2f}" for one in found)
    print(f"{name:<32}{fixed:9.0f}{numbers}", flush=True)
    return float(found[0])


def tell_means(spread: float, pair: Pair, runs: int) -> float:
    """Prints a line; the median delay beside the fixed-sample test."""
    whole = pair.fixed_sample() / (pair.first * (1 - pair.first) + pair.second * (1 - pair.second))
    fixed = whole * 2 * spread**2
    tallies = panes_of_means(np.random.default_rng(7), pair, spread, runs, int(6 * fixed), 250)
    found = float(np.median(until_raised(tallies, pair, runs)) / fixed)
    print(f"{pair.first:g} and {pair.second:g}, spread {spread:<16g}{fixed:9.0f}{found:11.2f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=300)
    asked = parser.parse_args()
    print(f"false alarms in {asked.rows:,} decisions, promised: {ALPHA:g} at most")
    for name, pair in QUIET.items():
        tell_quiet(name, pair, asked.streams, asked.rows)
    print("\nmedian rows until a true alarm, in rows of the fixed-sample test of 90 % power")
    names = ("fixed", "at once", "after 50k", "of ten", "pairs", "after 50k")
    print(f"{'':<32}{names[0]:>9}" + "".join(f"{name:>11}" for name in names[1:]))
    for name, pair in BIASED.items():
        tell_biased(name, pair, asked.runs)
    for spread, pair in MEANS.items():
        tell_means(spread, pair, asked.runs)


if __name__ == "__main__":
    main()
