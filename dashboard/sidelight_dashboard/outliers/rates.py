"""How many rows were flagged over time, beside how many of ordinary rows would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.compared import SLOTS, given
from sidelight_dashboard.outliers.chance import band
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS

MOST_STRETCHES = 120
"""Of one chart."""

LENGTHS = tuple(
    seconds * NS
    for seconds in (
        *(1, 2, 5, 10, 15, 30),
        *(60, 120, 300, 600, 900, 1800),
        *(3600, 7200, 10_800, 21_600, 43_200),
        *(86_400, 2 * 86_400, 7 * 86_400, 28 * 86_400),
    )
)


@dataclass(frozen=True, slots=True)
class Ordinary:
    """The share of ordinary rows that is flagged, averaged over references; what it is at most
    with this one reference, where that is known."""

    rate: float
    bound: float | None

    @property
    def most(self) -> float:
        return self.rate if self.bound is None else self.bound


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows between two times under one plan. Of them `low` to `high` flagged ones are not told
    from chance; None where the plan's reference is not there to say."""

    begin_ns: int
    end_ns: int
    plan: str
    rows: int
    flagged: int
    expected: float | None
    low: int | None
    high: int | None

    @property
    def rate(self) -> float:
        return self.flagged / self.rows

    @property
    def is_beyond(self) -> bool:
        return self.high is not None and self.flagged > self.high


Counts = tuple[int, str, int, int]
"""When the stretch begins, its plan, rows, flagged rows."""


def stretches(
    store: Store, chosen: Chosen, detector: str, ordinary: Mapping[str, Ordinary]
) -> tuple[Stretch, ...]:
    """In their order; where no rows came there is none. `ordinary` is by plan."""
    length_ns = _length(store, chosen)
    counts = _counts(store, chosen, detector, length_ns)
    bounds = _bounds(counts, ordinary)
    return tuple(
        Stretch(begin, begin + length_ns, plan, rows, flagged, *bound)
        for (begin, plan, rows, flagged), bound in zip(counts, bounds, strict=True)
    )


def _length(store: Store, chosen: Chosen) -> int:
    """Of a stretch: a round time, no shorter than the slots."""
    ((longest,),) = store.series.rows(f"SELECT max(length_ns) {SLOTS}", dict(given(chosen)))
    least = max(longest or 0, (chosen.end_ns - chosen.begin_ns) // MOST_STRETCHES)
    return next((length for length in LENGTHS if length >= least), least)


def _counts(store: Store, chosen: Chosen, detector: str, length_ns: int) -> list[Counts]:
    query = f"""SELECT begin_ns / :length * :length AS at, plan, sum(rows),
     sum(coalesce(json_extract(flagged, :path), 0)) {SLOTS}
     GROUP BY at, plan HAVING sum(rows) > 0 ORDER BY at, min(begin_ns)"""
    asked = {**given(chosen), "length": length_ns, "path": f'$."{detector}"'}
    return [(int(at), plan, int(n), int(k)) for at, plan, n, k in store.series.rows(query, asked)]


def _bounds(
    counts: Sequence[Counts], ordinary: Mapping[str, Ordinary]
) -> list[tuple[float | None, int | None, int | None]]:
    known = [(rows, ordinary[plan]) for _, plan, rows, _ in counts if plan in ordinary]
    if not known:
        return [(None, None, None)] * len(counts)
    rates = np.array([(one.rate, one.most) for _, one in known])
    low, high = band([rows for rows, _ in known], rates[:, 0], rates[:, 1])
    told = zip(rates[:, 0].tolist(), low.tolist(), high.tolist(), strict=True)
    return [
        _whole(next(told)) if plan in ordinary else (None, None, None) for _, plan, _, _ in counts
    ]


def _whole(told: tuple[float, float, float]) -> tuple[float, int, int]:
    rate, low, high = told
    return rate, int(low), int(high)
