"""How far groups are apart in a table of sums, and what that says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sidelight_detectors.bias import intervals, power
from sidelight_detectors.bias.contract import Tally
from sidelight_detectors.bias.finding import FAIR, UNFAIR, UNKNOWN, GapFinding, Judged
from sidelight_detectors.bias.intervals import Floats, Interval
from sidelight_detectors.bias.metrics import Metric, Rate
from sidelight_detectors.bias.table import Table

_CHANCES = (0.8, 0.9)


@dataclass(frozen=True, eq=False)
class Side:
    """One rate in the groups of one side of all pairs, each ``(pairs,)``."""

    rate: Rate
    rows: Floats
    total: Floats
    squares: Floats

    def interval(self, z: float) -> Interval:
        """Of the rate, but for what both sides have in common."""
        if not self.rate.is_mean:
            return intervals.share(self.total, self.rows, z)
        sums = (self.rows, self.total, self.squares)
        return intervals.mean(*sums, z, self.rate.doubt).times(self.rate.width)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The rates of one metric in all groups and in the privileged ones."""

    metric: Metric
    own: tuple[Side, ...]
    against: tuple[Side, ...]

    @property
    def rows(self) -> tuple[Floats, Floats]:
        """The fewest rows that a rate rests on, on both sides."""
        own, against = (np.min([one.rows for one in s], axis=0) for s in (self.own, self.against))
        return own, against

    def interval(self, z: float, stricter: float) -> Interval:
        """Of the metric; `stricter` is the quantile of half the error (`intervals.largest`)."""
        match self.metric.form:
            case "ratio":
                return intervals.ratio(*self._counts, z)
            case "odds":
                sides = (self.own[0], self.against[0])
                own, against = (intervals.odds(one.total, one.rows, z) for one in sides)
                return intervals.combined([own, against.times(-1)])
            case "largest":
                sizes = ([one.size for one in self.differences(q)] for q in (z, stricter))
                return intervals.largest(*sizes)
            case "difference":
                weighed = zip(self.differences(z), self.metric.weights, strict=True)
                return intervals.combined([one.times(weight) for one, weight in weighed])

    def differences(self, z: float) -> list[Interval]:
        """Of each rate between the two sides."""
        return [
            intervals.combined([own.interval(z), against.interval(z).times(-1)])
            for own, against in zip(self.own, self.against, strict=True)
        ]

    def seen(self, low: float, high: float, z: float, stricter: float, chance: float) -> Floats:
        """The smallest gap beyond the limits that is called unfair with this chance."""
        sizes = (self.own[0].rows, _shares(self.against[0]), self.against[0].rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.metric.form == "ratio":
                return power.ratio_of_shares(*sizes, low, z, chance)
            if self.metric.form == "largest":
                apart = self.differences(stricter)
                gaps = [power.gap_by_width(one, high, stricter, chance) for one in apart]
                return np.maximum(*gaps)
            if self.metric.form == "difference" and self._is_of_one_share:
                return power.gap_of_shares(*sizes, high, z, chance)
            return power.gap_by_width(self.interval(z, stricter), high, z, chance)

    @property
    def _is_of_one_share(self) -> bool:
        return len(self.own) == 1 and not self.own[0].rate.is_mean

    @property
    def _counts(self) -> tuple[Floats, Floats, Floats, Floats]:
        own, against = self.own[0], self.against[0]
        return own.total, own.rows, against.total, against.rows


def gaps_of(
    table: Table, tally: Tally, confidence: float, min_support: int
) -> tuple[GapFinding, ...]:
    """Every metric of every group that has rows, beside the privileged group.

    Verdicts of one metric hold for all groups with `min_support` rows together (Bonferroni).
    """
    found = (_gaps(table, tally, metric, confidence, min_support) for metric in table.metrics)
    return tuple(gap for gaps in found for gap in gaps)


def _gaps(
    table: Table, tally: Tally, metric: Metric, confidence: float, min_support: int
) -> Iterator[GapFinding]:
    pairs = _pairs(table, tally, metric)
    rows, against_rows = pairs.rows
    enough = (rows >= min_support) & (against_rows >= min_support)
    error = (1 - confidence) / 2
    alone = pairs.interval(_z(error), _z(error / 2))
    compared = max(int(enough.sum()), 1)
    z, stricter = _z(error / compared), _z(error / compared / 2)
    joint = alone if compared == 1 else pairs.interval(z, stricter)
    low, high = table.limits.of(metric)
    seen = [pairs.seen(low, high, z, stricter, chance) for chance in _CHANCES]
    own, against = table.groups.pairs
    for place in np.flatnonzero(_has_rows(pairs)):
        attribute, group = table.groups.names[own[place]]
        yield GapFinding(
            metric=metric.name,
            attribute=attribute,
            group=group,
            against=table.groups.names[against[place]][1],
            rows=int(rows[place]),
            against_rows=int(against_rows[place]),
            value=float(alone.value[place]),
            low=float(alone.low[place]),
            high=float(alone.high[place]),
            allowed_low=low,
            allowed_high=high,
            verdict=_verdict(joint, int(place), low, high) if enough[place] else UNKNOWN,
            seen_80=float(seen[0][place]),
            seen_90=float(seen[1][place]),
        )


def _pairs(table: Table, tally: Tally, metric: Metric) -> Pairs:
    def side(groups: NDArray[np.int64]) -> tuple[Side, ...]:
        return tuple(
            Side(
                table.rates[place],
                *(
                    part[place * len(table.groups) + groups]
                    for part in (tally.rows, tally.total, tally.squares)
                ),
            )
            for place in table.numbers(metric)
        )

    own, against = table.groups.pairs
    return Pairs(metric, side(own), side(against))


def _has_rows(pairs: Pairs) -> NDArray[np.bool_]:
    return np.asarray(np.max([one.rows for one in pairs.own], axis=0) > 0, bool)


def _verdict(found: Interval, place: int, low: float, high: float) -> Judged:
    below, above = float(found.low[place]), float(found.high[place])
    if below > high or above < low:
        return UNFAIR
    return FAIR if low <= below and above <= high else UNKNOWN


def _shares(side: Side) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return side.total / side.rows


def _z(error: float) -> float:
    return float(-ndtri(error)) if error > 0 else math.inf
