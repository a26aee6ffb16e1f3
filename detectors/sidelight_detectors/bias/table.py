"""The additive table of groups, and what is compared by it (`contract.Compared`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.contract import Comparison, Tally
from sidelight_detectors.bias.groupings import Groups
from sidelight_detectors.bias.metrics import SCALE, Metric, Rate
from sidelight_detectors.contract import Sums


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest difference and the smallest ratio of no concern."""

    tolerance: float
    ratio: float

    def of(self, metric: Metric) -> tuple[float, float]:
        """What the metric's value may be."""
        if metric.form == "ratio":
            return self.ratio, 1 / self.ratio
        return (0.0 if metric.form == "largest" else -self.tolerance), self.tolerance


@dataclass(frozen=True, eq=False)
class Table:
    """Sums by group, ``(groups, width)`` as one vector, and the metrics that are asked of them.

    The rate with number ``r * len(groups) + g`` is the r-th of `rates` in group g.
    """

    groups: Groups
    width: int
    rates: tuple[Rate, ...]
    metrics: tuple[Metric, ...]
    limits: Limits

    @property
    def size(self) -> int:
        return len(self.groups) * self.width

    def columns(self, sums: Sums) -> NDArray[np.int64]:
        """The sums by group, ``(groups, width)``."""
        return sums.reshape(len(self.groups), self.width)

    def tally(self, sums: Sums) -> Tally:
        found = [_tallied(self.columns(sums), rate) for rate in self.rates]
        rows, total, squares = (np.concatenate(part) for part in zip(*found, strict=True))
        return Tally(rows, total, squares)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All that a sum of rates can tell: all metrics but the difference of odds.

        Of the groups that the reference leads to expect; what two metrics ask of the same rates is
        there once.
        """
        pairs = [pair for pair in zip(*self.groups.pairs, strict=True) if self._is_expected(pair)]
        told = (
            one
            for metric in self.metrics
            for own, against in pairs
            for one in self._compared(metric, int(own), int(against))
        )
        found: dict[tuple[object, ...], Comparison] = {}
        for one in told:
            found.setdefault(_content(one), one)
        return tuple(found.values())

    def _is_expected(self, pair: tuple[np.int64, np.int64]) -> bool:
        return bool(self.groups.expected[list(pair)].all())

    def numbers(self, metric: Metric) -> tuple[int, ...]:
        """Places of the metric's rates in `rates`."""
        names = [rate.name for rate in self.rates]
        return tuple(names.index(name) for name in metric.rates)

    def _compared(self, metric: Metric, own: int, against: int) -> Iterator[Comparison]:
        places = self.numbers(metric)
        if metric.form == "difference":
            yield self._weighed(metric, places, metric.weights, own, against)
        elif metric.form == "largest":
            for place in places:
                yield self._weighed(metric, (place,), (1.0,), own, against)
        elif metric.form == "ratio":
            for first, second in ((own, against), (against, own)):
                rates = (self._number(places[0], first), self._number(places[0], second))
                weights = (1.0, -self.limits.ratio)
                names = self._names(metric, first, second)
                yield Comparison(*names, rates, weights, 0.0, np.inf)

    def _weighed(
        self,
        metric: Metric,
        places: tuple[int, ...],
        weights: tuple[float, ...],
        own: int,
        against: int,
    ) -> Comparison:
        rates, signed = [], []
        for place, weight in zip(places, weights, strict=True):
            rates += [self._number(place, own), self._number(place, against)]
            signed += [weight * self.rates[place].width, -weight * self.rates[place].width]
        bounds = (-self.limits.tolerance, self.limits.tolerance)
        return Comparison(*self._names(metric, own, against), tuple(rates), tuple(signed), *bounds)

    def _number(self, place: int, group: int) -> int:
        return place * len(self.groups) + group

    def _names(self, metric: Metric, own: int, against: int) -> tuple[str, str, str, str]:
        attribute, group = self.groups.names[own]
        return metric.name, attribute, group, self.groups.names[against][1]


def _tallied(
    columns: NDArray[np.int64], rate: Rate
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rows = columns[:, list(rate.rows)].sum(axis=1).astype(np.float64)
    total = columns[:, rate.total].astype(np.float64)
    if rate.squares is None:
        return rows, total, total
    return rows, total / SCALE, columns[:, rate.squares] / SCALE


def _content(one: Comparison) -> tuple[object, ...]:
    """What it asks, by whatever name."""
    return one.rates, one.weights, one.low, one.high
