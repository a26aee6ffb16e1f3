"""Decisions about the people of two groups, as tallies of panes; many streams at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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


def rows_until_raised(
    seed: int,
    pair: Pair,
    streams: int,
    rows: int,
    pane: int = 250,
    fair: Pair | None = None,
    among: int = 1,
) -> NDArray[np.float64]:
    """Rows until the alarm of each stream by itself, counted after 50,000 of `fair`, if any.

    inf where there is none; 0 or less where it came before its time. Each stream is one of `among`
    comparisons under one alarm, the others with no evidence at all.
    """
    rng, before = np.random.default_rng(seed), 50_000 if fair else 0
    sides = sides_of(comparisons(pair, streams))
    evidence = Evidence(sides, np.zeros((3, *sides.rates.shape)))
    raised, seen = np.full(streams, np.inf), -before
    threshold = Promise(ALPHA, 0.0).threshold(0) * among
    for stretch, length in ((fair or pair, before), (pair, rows)):
        for tally in panes(rng, stretch, streams, length, pane):
            evidence.fold(sides.gather(tally))
            seen += pane
            raised[np.isinf(raised) & (evidence.values() >= threshold)] = seen
    return raised
