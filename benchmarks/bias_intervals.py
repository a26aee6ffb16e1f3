"""How often the intervals of bias metrics hold the truth, over rates and sizes from 30 a group.

Exactly, summed over all counts there can be; what is made of four shares in groups larger than 30,
and means, by simulation. All through the very code that judges windows.

python -m benchmarks.bias_intervals [SAMPLES]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from sidelight_detectors.bias import intervals
from sidelight_detectors.bias.intervals import Floats, Interval
from sidelight_detectors.bias.judging import Pairs, Side
from sidelight_detectors.bias.metrics import COME_TRUE, CONFUSED, Metric, uncalibrated

Counts = NDArray[np.intp]

Z, STRICTER = 1.959963984540054, 2.241402727604947
"""Normal quantiles of 95 % and 97.5 %."""

SIZES = ((30, 30), (30, 100), (30, 300), (100, 30), (300, 30), (100, 100), (300, 300))
SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)
EXTREME = (0.01, 0.02, *SHARES, 0.98, 0.99)
SPREADS = ((1.0, 1.0), (0.5, 0.5), (2.0, 8.0), (8.0, 2.0), (1.0, 19.0), (1.0, 49.0), (19.0, 1.0))
FEWER = (0.05, 0.2, 0.5, 0.8, 0.95)


def exact(form: str, shares: tuple[float, ...]) -> Iterator[float]:
    """Coverage of a difference, a ratio or a difference of odds at each point of the grid."""
    for rows, other in SIZES:
        k, j = np.arange(rows + 1)[:, None], np.arange(other + 1)[None, :]
        found = _between(form, k, rows, j, other)
        for p, q in product(shares, shares):
            inside = _inside(found, TRUTH[form](p, q))
            yield float(binom.pmf(k[:, 0], rows, p) @ inside @ binom.pmf(j[0], other, q))


TRUTH: dict[str, Callable[[float, float], float]] = {
    "difference": lambda p, q: p - q,
    "ratio": lambda p, q: p / q,
    "odds": lambda p, q: p / (1 - p) - q / (1 - q),
}


def _between(form: str, k: Counts, rows: int, j: Counts, other: int) -> Interval:
    if form == "odds":
        apart = intervals.odds(j, other, Z).times(-1)
        return intervals.combined([intervals.odds(k, rows, Z), apart])
    found: Interval = getattr(intervals, form)(k, rows, j, other, Z)
    return found


def of_four_exactly(metric: Metric) -> Iterator[float]:
    """Of average and equalised odds: two rates in each of two groups of 30."""
    counts = np.indices((31,) * 4).reshape(4, -1).astype(float)
    found = _of(metric, counts, (30, 30)).interval(Z, STRICTER)
    chance = {p: binom.pmf(np.arange(31), 30, p) for p in FEWER}
    for rates in product(FEWER, repeat=4):
        own, against = (np.outer(chance[rates[i]], chance[rates[i + 1]]) for i in (0, 2))
        inside = _inside(found, _truth(metric, rates)).reshape(31**2, 31**2)
        yield float(own.ravel() @ inside @ against.ravel())


def of_four(metric: Metric, samples: int, rng: np.random.Generator) -> Iterator[float]:
    """The same in larger groups, by simulation."""
    for sizes in ((30, 100), (100, 300), (300, 300)):
        for rates in product(FEWER, repeat=4):
            drawn = [rng.binomial(sizes[i % 2], rates[i], samples) for i in range(4)]
            found = _of(metric, np.array(drawn, float), sizes).interval(Z, STRICTER)
            yield float(_inside(found, _truth(metric, rates)).mean())


def _truth(metric: Metric, rates: tuple[float, ...]) -> float:
    """`rates` are a group's and the other's, then both once more for the second rate."""
    apart = rates[0] - rates[1], rates[2] - rates[3]
    return max(map(abs, apart)) if metric.form == "largest" else sum(apart) / 2


def _of(metric: Metric, counts: Floats, sizes: tuple[int, int]) -> Pairs:
    known = {rate.name: rate for rate in CONFUSED}

    def side(which: int) -> tuple[Side, ...]:
        rows = np.full(counts.shape[1], float(sizes[which]))
        own = zip(metric.rates, counts[which::2], strict=True)
        return tuple(Side(known[name], rows, count, count) for name, count in own)

    return Pairs(metric, side(0), side(1))


def of_means(samples: int, rng: np.random.Generator) -> Iterator[float]:
    """Of calibration: truth less probability, of probabilities that are spread in some ways."""
    metric = next(one for one in COME_TRUE if one.name == "calibration_difference")
    for sizes in SIZES:
        for first, second in product(SPREADS, repeat=2):
            sides = []
            for rows, spread in zip(sizes, (first, second), strict=True):
                chance = rng.beta(*spread, (samples, rows))
                values = (rng.random((samples, rows)) < chance) - chance
                sides.append(_mean_side(values))
            found = Pairs(metric, (sides[0],), (sides[1],)).interval(Z, STRICTER)
            yield float(_inside(found, 0.0).mean())


def _mean_side(values: Floats) -> Side:
    place = (values + 1) / 2
    rows = np.full(len(values), float(values.shape[1]))
    return Side(uncalibrated(0), rows, place.sum(axis=1), (place**2).sum(axis=1))


def _inside(found: Interval, truth: float) -> NDArray[np.bool_]:
    # An end may equal the truth but for the last bit.
    return np.asarray((found.low <= truth + 1e-12) & (truth - 1e-12 <= found.high), bool)


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    rng = np.random.default_rng(5)
    of = {metric.name: metric for metric in COME_TRUE}
    average, equal = of["average_odds_difference"], of["equalised_odds_difference"]
    measured = {
        "difference (Newcombe), shares 5-95 %": exact("difference", SHARES),
        "difference (Newcombe), shares 1-99 %": exact("difference", EXTREME),
        "ratio (Koopman), shares 2-98 %": exact("ratio", (0.02, *SHARES, 0.98)),
        "treatment equality (odds, MOVER)": exact("odds", SHARES),
        "average odds (MOVER), 30 a group": of_four_exactly(average),
        "equalised odds (Bonferroni), 30 a group": of_four_exactly(equal),
        "average odds, larger, simulated": of_four(average, samples, rng),
        "equalised odds, larger, simulated": of_four(equal, samples, rng),
        "calibration, means (Student), simulated": of_means(samples, rng),
    }
    print(f"{'95 % interval of':<40} points   mean    min  below 92 %")
    for name, coverage in measured.items():
        found = np.array(list(coverage))
        low = int((found < 0.92).sum())
        print(f"{name:<40} {len(found):>6}  {found.mean():.3f}  {found.min():.3f}  {low:>6}")


if __name__ == "__main__":
    main()
