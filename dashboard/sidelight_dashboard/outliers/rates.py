"""How many rows were flagged over time, beside how many of ordinary rows would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.comparing.compared import SLOTS, given
from sidelight_dashboard.outliers.chance import Ordinary, band
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS

MS = NS // 1000

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
class Stretch:
    """Rows between two times under one plan. Of them `low` to `high` flagged ones are not told
    from chance; None where the plan's reference is not there to say."""

    begin_ns: int
    end_ns: int
    plan: str
    rows: int
    flagged: int
    expected: float | None = None
    low: int | None = None
    high: int | None = None

    @property
    def rate(self) -> float:
        return self.flagged / self.rows

    @property
    def is_beyond(self) -> bool:
        return self.high is not None and self.flagged > self.high


@dataclass(frozen=True, slots=True)
class _Counted:
    """Rows of one plan in the stretch that begins at `at_ns`, and their own times."""

    at_ns: int
    plan: str
    rows: int
    flagged: int
    first_ns: int
    last_ns: int


def stretches(
    store: Store, chosen: Chosen, detector: str, ordinary: Mapping[str, Ordinary]
) -> tuple[Stretch, ...]:
    """In their order; where no rows came there is none. `ordinary` is by plan."""
    length_ns = _length(store, chosen)
    counted = _counted(store, chosen, detector, length_ns)
    edges = zip(counted, _edges(counted, length_ns), strict=True)
    told = [Stretch(*ends, one.plan, one.rows, one.flagged) for one, ends in edges]
    return tuple(_bounded(told, ordinary))


def _length(store: Store, chosen: Chosen) -> int:
    """Of a stretch: a round time, no shorter than the slots."""
    ((longest,),) = store.series.rows(f"SELECT max(length_ns) {SLOTS}", dict(given(chosen)))
    least = max(longest or 0, (chosen.end_ns - chosen.begin_ns) // MOST_STRETCHES)
    return next((length for length in LENGTHS if length >= least), least)


def _counted(store: Store, chosen: Chosen, detector: str, length_ns: int) -> list[_Counted]:
    """Of slots in which the detector looked at rows."""
    query = f"""SELECT begin_ns / :length * :length AS at, plan, sum(rows),
     sum(json_extract(flagged, :path)), min(first_ns), max(last_ns) {SLOTS}
     AND json_extract(flagged, :path) IS NOT NULL
     GROUP BY at, plan HAVING sum(rows) > 0 ORDER BY at, min(begin_ns), min(first_ns)"""
    asked = {**given(chosen), "length": length_ns, "path": f'$."{detector}"'}
    return [_Counted(*found) for found in store.series.rows(query, asked)]


def _edges(counted: Sequence[_Counted], length_ns: int) -> list[tuple[int, int]]:
    """Whole stretches, but for the first and the last one, and where a plan followed another."""
    befores, afters = [None, *counted], [*counted[1:], None]
    begins = [
        one.at_ns if before and before.at_ns < one.at_ns else one.first_ns
        for before, one in zip(befores, counted, strict=False)
    ]
    ends = [_end(one, after, length_ns) for one, after in zip(counted, afters, strict=False)]
    return [(begin, max(end, begin + MS)) for begin, end in zip(begins, ends, strict=True)]


def _end(one: _Counted, after: _Counted | None, length_ns: int) -> int:
    if after is None:
        return one.last_ns
    return after.first_ns if after.at_ns == one.at_ns else one.at_ns + length_ns


def _bounded(told: Sequence[Stretch], ordinary: Mapping[str, Ordinary]) -> Iterator[Stretch]:
    """With what chance gives, where the plan's rate is known."""
    known = [ordinary[one.plan] for one in told if one.plan in ordinary]
    rows = [one.rows for one in told if one.plan in ordinary]
    low, high = band(rows, [each.rate for each in known], [each.most for each in known])
    bounds = zip(known, map(int, low), map(int, high), strict=True)
    for one in told:
        if one.plan not in ordinary:
            yield one
            continue
        each, least, most = next(bounds)
        yield replace(one, expected=each.rate, low=least, high=most)
