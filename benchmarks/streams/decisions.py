"""Decisions about the people of two groups, as tallies of panes; many streams at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from sidelight_detectors.alarms.sequential import Promise
from sidelight_detectors.bias.audit.evidence import Evidence
from sidelight_detectors.bias.audit.sides import sides_of
from sidelight_detectors.bias.contract import Comparison, Tally

ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """Two groups: the chance of yes in each, the share of the first, the largest gap allowed."""

    first: float
    second: float
    share: float = 0.5
    tolerance: float = 0.1

    def fixed_sample(self, power: float = 0.9, alpha: float = ALPHA) -> float:
        """Rows of one test of both groups with this power: what watching once would need."""
        variance = self.first * (1 - self.first) / self.share
        variance += self.second * (1 - self.second) / (1 - self.share)
        excess = abs(self.first - self.second) - self.tolerance
        quantiles = norm.ppf(1 - alpha) + norm.ppf(power)
        return float(quantiles**2 * variance / excess**2)


def comparisons(pair: Pair, streams: int) -> tuple[Comparison, ...]:
    """One in each stream; rates of stream i are 2 i and 2 i + 1."""
    wide = pair.tolerance
    return tuple(
        Comparison("parity", "sex", "female", "male", (2 * i, 2 * i + 1), (1.0, -1.0), -wide, wide)
        for i in range(streams)
    )


def panes(
    rng: np.random.Generator, pair: Pair, streams: int, rows: int, pane: int
) -> Iterator[Tally]:
    """Panes of so many rows, together `rows`, in each stream."""
    for _ in range(rows // pane):
        first = rng.binomial(pane, pair.share, streams)
        counted = np.stack([first, pane - first], axis=1)
        yes = rng.binomial(counted, [pair.first, pair.second]).ravel().astype(np.float64)
        yield Tally(counted.ravel().astype(np.float64), yes, yes)


def panes_of_means(
    rng: np.random.Generator, pair: Pair, spread: float, streams: int, rows: int, pane: int
) -> Iterator[Tally]:
    """The same of beta-distributed numbers with these means and about this standard deviation."""
    means = np.array([pair.first, pair.second])[:, None]
    weight = means * (1 - means) / spread**2 - 1
    for _ in range(rows // pane):
        values = rng.beta(means * weight, (1 - means) * weight, (streams, 2, pane // 2))
        sums = [np.sum(values**power, axis=2).ravel() for power in (0, 1, 2)]
        yield Tally(*sums)


def until_raised(
    tallies: Iterable[Tally], pair: Pair, streams: int, pane: int = 250, among: int = 1
) -> NDArray[np.float64]:
    """Rows until the alarm of each stream by itself; inf where there is none.

    Each stream is one of `among` comparisons under one alarm, the others with no evidence at all.
    """
    sides = sides_of(comparisons(pair, streams))
    evidence = Evidence(sides, np.zeros((3, *sides.rates.shape)))
    raised, threshold = np.full(streams, np.inf), Promise(ALPHA, 0.0).threshold(0) * among
    for number, tally in enumerate(tallies, 1):
        evidence.fold(sides.gather(tally))
        raised[np.isinf(raised) & (evidence.values() >= threshold)] = number * pane
    return raised


def rows_until_raised(
    seed: int, pair: Pair, streams: int, rows: int, fair: Pair | None = None, among: int = 1
) -> NDArray[np.float64]:
    """As `until_raised`, counted after 50,000 rows of `fair`, if any; 0 or less is too early."""
    rng, before, pane = np.random.default_rng(seed), 50_000 if fair else 0, 250
    stretches = [
        panes(rng, fair or pair, streams, before, pane),
        panes(rng, pair, streams, rows, pane),
    ]
    return until_raised(chain(*stretches), pair, streams, pane, among) - before
