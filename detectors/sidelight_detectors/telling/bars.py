"""Cells put together into a few bars that a person can read.

Categories stand for themselves, the commonest first. Numbers stand in ranges of equal width over
the bulk of the reference, or, where one such range would hold most of it, in ranges that the
reference fills evenly. A range ends at a round number where the cells can tell which rows are on
which side of it, else at the nearest point of the reference.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sidelight.panes import Bar
from sidelight_detectors.cells import CategoricalCells, ColumnCells, Counts, NumericCells

MOST = 20
"""Bars of a column, those for tails, rest, what is missing and never seen apart."""

BULK = 0.005
"""Ranges lie between this quantile of the reference and the one as far from its other end."""

CROWDED = 0.5
"""A range of equal width with more of the reference says too little of it."""

SURELY = 3.0
"""A category expected so often is left out by chance at most once in twenty times (exp(-3))."""

MISSING, UNSEEN = "missing", "never seen in the reference"

Floats = NDArray[np.float64]


def changed(
    cells: ColumnCells, reference: Counts, current: Counts
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Known categories gained and lost, the commonest first.

    Lost are those only that chance would hardly leave out of so many rows.
    """
    if not isinstance(cells, CategoricalCells):
        return (), ()
    known, seen = reference[: cells.other], current[: cells.other]
    expected = known * (current.sum() / max(reference.sum(), 1))
    gained = np.flatnonzero((known == 0) & (seen > 0))
    lost = np.flatnonzero((seen == 0) & (expected >= SURELY))
    return (
        tuple(cells.categories[cell] for cell in gained[np.argsort(-seen[gained], kind="stable")]),
        tuple(cells.categories[cell] for cell in lost[np.argsort(-known[lost], kind="stable")]),
    )


def bars_of_categories(
    cells: CategoricalCells, reference: Counts, current: Counts
) -> tuple[Bar, ...]:
    """The commonest of either side, the others together, then never seen and missing."""
    known, seen = _shares(reference), _shares(current)
    order = np.argsort(-np.maximum(known, seen)[: cells.other], kind="stable")
    apart, rest = order[:MOST], order[MOST:]
    bars = [_named(cells.categories[cell], known[cell], seen[cell]) for cell in apart.tolist()]
    if len(rest):
        bars.append(_named(f"{len(rest)} others", known[rest].sum(), seen[rest].sum()))
    bars.append(_named(UNSEEN, known[cells.other], seen[cells.other]))
    bars.append(_named(MISSING, known[cells.null], seen[cells.null]))
    named = len(apart)
    return (*bars[:named], *(bar for bar in bars[named:] if bar.reference or bar.current))


def bars_of_numbers(cells: NumericCells, reference: Counts, current: Counts) -> tuple[Bar, ...]:
    """Ranges in the order of the number line, then what is missing."""
    known, seen = _shares(reference), _shares(current)
    numbers = cells.missing.start
    if len(cells.points) <= MOST:
        bars = _each(cells, known[:numbers], seen[:numbers])
    else:
        bars = _ranges(cells, known[:numbers], seen[:numbers])
    missing = _named(MISSING, known[cells.missing].sum(), seen[cells.missing].sum())
    return (*bars, missing) if missing.reference or missing.current else tuple(bars)


def _shares(counts: Counts) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _named(name: str, reference: float, current: float) -> Bar:
    return Bar(name, None, None, float(reference), float(current))


def _each(cells: NumericCells, known: Floats, seen: Floats) -> list[Bar]:
    """A bar a point; gaps and tails only where somebody is."""
    bars = []
    for cell, (reference, current) in enumerate(zip(known.tolist(), seen.tolist(), strict=True)):
        low, high = _ends(cells.points, cell)
        if cell % 2 or reference or current:
            bars.append(Bar("", low, high, reference, current))
    return bars


def _ends(points: Floats, cell: int) -> tuple[float | None, float | None]:
    low, high = (cell - 1) // 2, cell // 2
    return (
        float(points[low]) if low >= 0 else None,
        float(points[high]) if high < len(points) else None,
    )


def _ranges(cells: NumericCells, known: Floats, seen: Floats) -> list[Bar]:
    """Cells from one edge to the next; rows at an edge are above it."""
    edges = _edges(cells.points, known, known + seen)
    begins = np.concatenate([[0], _first_cell(cells.points, edges)])
    reference, current = (np.add.reduceat(one, begins).tolist() for one in (known, seen))
    lows, highs = [None, *edges.tolist()], [*edges.tolist(), None]
    bars = map(Bar, [""] * len(lows), lows, highs, reference, current)
    return [bar for bar in bars if _has_middle(bar) or bar.reference or bar.current]


def _has_middle(bar: Bar) -> bool:
    return bar.low is not None and bar.high is not None


def _edges(points: Floats, known: Floats, rows: Floats) -> Floats:
    """Ascending, two or more."""
    cumulated = np.cumsum(known) / max(known.sum(), np.finfo(float).tiny)
    wanted = [BULK, 1 - BULK]
    low, high = (points[_point_at(cumulated, share, len(points))] for share in wanted)
    edges = _told_apart(points, _round_steps(float(low), float(high)), rows)
    sizes = np.add.reduceat(known, np.concatenate([[0], _first_cell(points, edges)]))
    if sizes.max() <= CROWDED * known.sum():
        return edges
    shares = np.linspace(0, 1, MOST + 1)[1:-1]
    return np.unique([points[_point_at(cumulated, share, len(points))] for share in shares])


def _point_at(cumulated: Floats, share: float, points: int) -> int:
    """The first point up to which the reference has this share of its rows."""
    return min(int(np.searchsorted(cumulated, share)) // 2, points - 1)


def _round_steps(low: float, high: float) -> Floats:
    """Round numbers in equal steps from `low` to `high`, at most `MOST` + 1 of them."""
    width = (high / 2 - low / 2) / MOST * 2
    if not (math.isfinite(width) and width > 0):
        return np.array([low])
    power = 10.0 ** math.floor(math.log10(width))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= width * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    return np.array([step * number for number in range(first, min(last, first + MOST) + 1)])


def _told_apart(points: Floats, edges: Floats, rows: Floats) -> Floats:
    """Each edge, or the nearest point where rows lie in the gap that it would cut."""
    moved = []
    for edge in edges.tolist():
        cell = int(_first_cell(points, np.array([edge]))[0])
        low, high = _ends(points, cell)
        if cell % 2 or not rows[cell]:
            moved.append(edge)
        else:
            ends = [end for end in (low, high) if end is not None]
            moved.append(min(ends, key=lambda end: abs(end - edge)))
    return np.unique(moved)


def _first_cell(points: Floats, edges: Floats) -> NDArray[np.int64]:
    """The cell that an edge is in: its point, or the gap it cuts."""
    left = np.searchsorted(points, edges, side="left")
    right = np.searchsorted(points, edges, side="right")
    return np.asarray(left + right, np.int64)
