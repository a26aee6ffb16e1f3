"""What was judged, as it stands in the store: columns of windows, and the windows themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.store.opening import Store

FEW = 30
"""A chart with fewer windows also shows so many that came before, and half as many after."""

MOST = 2000
"""Windows of a chart; of more, the worst of each few stand for all."""


@dataclass(frozen=True, slots=True)
class Point:
    """One column in one window, or in the worst of `windows` that were rolled up.

    `effect` and `distance` are None where nobody observed the column.
    """

    begin_ns: int
    end_ns: int
    windows: int
    drifted: int
    rows: int
    effect: float | None
    low: float
    high: float
    distance: float | None
    p_value: float
    p_threshold: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest point of a column, and how many windows drifted in the whole stretch of time."""

    column: str
    method: str
    point: Point
    windows: int
    drifted: int


@dataclass(frozen=True, slots=True)
class Window:
    """One window, all columns together.

    `is_drift` is None where there was not enough data, and `refused` says why. `evidence` is what
    the alarm had gathered by then; None where its rule gathers none.
    """

    begin_ns: int
    end_ns: int
    rows: int
    is_drift: bool | None
    refused: str
    evidence: float | None
    evidence_threshold: float | None
    promise: str


_FIELDS = """p.begin_ns, p.end_ns, p.windows, p.drifted, p.rows, p.effect, p.low, p.high,
 p.distance, p.p_value, p.p_threshold, p.tolerance"""

_POINTS = """FROM series s JOIN point p ON p.series = s.id WHERE s.model = :model
 AND s.version = :version AND s.segment = :segment AND s.against = :against"""

_WINDOWS = """FROM judged WHERE model = :model AND detector = :detector AND version = :version
 AND segment = :segment AND against = :against AND end_ns"""


def newest(store: Store, chosen: Chosen, against: str) -> list[Newest]:
    """Of each column the newest window that ended in the stretch; one row a column."""
    found = store.series.rows(
        f"SELECT s.column, s.method, {_FIELDS}, max(p.end_ns), sum(p.windows), sum(p.drifted)"
        f" {_POINTS} AND p.end_ns BETWEEN :begin AND :end GROUP BY s.id ORDER BY max(p.end_ns)",
        _asked(chosen, against),
    )
    by_column = {
        column: Newest(column, method, Point(*fields), windows, drifted)
        for column, method, *fields, _, windows, drifted in found
    }
    return list(by_column.values())


def points(store: Store, chosen: Chosen, against: str, column: str) -> list[Point]:
    """A column over time, in order."""
    found = store.series.rows(
        f"SELECT {_FIELDS} {_POINTS} AND s.column = :column"
        " AND p.end_ns BETWEEN :begin AND :end ORDER BY p.end_ns",
        {**_asked(chosen, against), "column": column},
    )
    return _fewer([Point(*fields) for fields in found])


def windows(store: Store, chosen: Chosen, against: str, most: int = MOST) -> list[Window]:
    """The newest that ended in the stretch, in order."""
    found = store.series.rows(
        "SELECT begin_ns, end_ns, rows, is_drift, refused, evidence, evidence_threshold, promise"
        f" {_WINDOWS} BETWEEN :begin AND :end ORDER BY end_ns DESC LIMIT :most",
        {**_asked(chosen, against), "most": most},
    )
    return [
        Window(begin, end, rows, None if is_drift is None else bool(is_drift), *rest)
        for begin, end, rows, is_drift, *rest in reversed(found)
    ]


def detector_of(against: str) -> str:
    """Who compares with the reference, and who with another version."""
    return "versions" if against else "drift"


def compared_with(store: Store, chosen: Chosen) -> list[str]:
    """Versions that the chosen one was compared with."""
    found = store.series.rows(
        "SELECT DISTINCT against FROM series WHERE model = ? AND version = ? AND against != ''"
        " ORDER BY against",
        (chosen.model, chosen.version),
    )
    return [against for (against,) in found]


def with_context(store: Store, chosen: Chosen, against: str, detector: str = "") -> Chosen:
    """A longer stretch where few windows ended in the chosen one, so that a line can be seen."""
    asked = _asked(chosen, against) | ({"detector": detector} if detector else {})
    within = _ends(store, asked, "BETWEEN :begin AND :end", FEW)
    if len(within) >= FEW:
        return chosen
    before = _ends(store, asked, "< :begin ORDER BY end_ns DESC", FEW)
    after = _ends(store, asked, "> :end ORDER BY end_ns", FEW // 2)
    ends = [chosen.begin_ns, chosen.end_ns, *before, *after]
    return replace(chosen, begin_ns=min(ends), end_ns=max(ends))


def _ends(store: Store, asked: dict[str, str | int], where: str, most: int) -> list[int]:
    query = f"SELECT DISTINCT end_ns {_WINDOWS} {where} LIMIT :most"
    found = store.series.rows(query, {**asked, "most": most})
    return [end for (end,) in found]


def _asked(chosen: Chosen, against: str) -> dict[str, str | int]:
    return {
        "model": chosen.model,
        "version": chosen.version,
        "segment": chosen.segment,
        "against": against,
        "detector": detector_of(against),
        "begin": chosen.begin_ns,
        "end": chosen.end_ns,
    }


def _fewer(found: list[Point]) -> list[Point]:
    step = -(-len(found) // MOST) or 1
    runs = (found[place : place + step] for place in range(0, len(found), step))
    return found if step == 1 else [_worst(run) for run in runs]


def _worst(run: list[Point]) -> Point:
    """The worst window stands for all of the run."""
    worst = max(run, key=lambda one: (one.effect is not None, one.effect or 0.0))
    return replace(
        worst,
        begin_ns=run[0].begin_ns,
        end_ns=run[-1].end_ns,
        windows=sum(one.windows for one in run),
        drifted=sum(one.drifted for one in run),
        rows=sum(one.rows for one in run),
    )
