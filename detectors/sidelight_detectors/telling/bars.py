"""Cells put together into a few bars that a person can read.

Categories stand for themselves, the commonest first. Numbers stand in ranges of equal width over
the bulk of the reference, or, where one such range would hold most of it, in ranges that the
reference fills evenly, a value that many rows have apart. Ranges end at round numbers, or at the
nearest point of the reference where a wide gap between two points holds rows of which nobody knows
on which side they are; those in a narrow gap count where the larger part of the gap lies. Rows at
an end belong above it.
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

NARROW = 0.2
"""A gap up to this share of a range's width is narrow."""

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""First digits of a step."""

SURELY = 3.0
"""A category expected so often is left out by chance at most once in twenty times (exp(-3))."""

MISSING, UNSEEN = "missing", "never seen in the reference"

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


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
    sides = reference, current
    bars = _each(cells, *sides) if len(cells.points) <= MOST else _ranges(cells, *sides)
    missing = _named(MISSING, *(_shares(one)[cells.missing].sum() for one in sides))
    return (*bars, missing) if _is_filled(missing) else tuple(bars)


def _shares(counts: Counts) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _named(name: str, reference: float, current: float) -> Bar:
    return Bar(name, None, None, float(reference), float(current))


def _each(cells: NumericCells, reference: Counts, current: Counts) -> list[Bar]:
    """A bar a point; gaps and tails only where somebody is."""
    sides = (_shares(one)[: cells.missing.start].tolist() for one in (reference, current))
    bars = (
        Bar(_infinite(cells.points, cell), *_ends(cells.points, cell), *shares)
        for cell, shares in enumerate(zip(*sides, strict=True))
    )
    return [bar for cell, bar in enumerate(bars) if cell % 2 or _is_filled(bar)]


def _ends(points: Floats, cell: int) -> tuple[float | None, float | None]:
    """The points beside a gap, or the point twice; None where there is none, or no number."""
    low, high = (cell - 1) // 2, cell // 2
    return (
        float(points[low]) if low >= 0 and np.isfinite(points[low]) else None,
        float(points[high]) if high < len(points) and np.isfinite(points[high]) else None,
    )


def _infinite(points: Floats, cell: int) -> str:
    """The name of a point that is no number."""
    if cell % 2 == 0 or np.isfinite(points[cell // 2]):
        return ""
    return "infinity" if points[cell // 2] > 0 else "minus infinity"


def _ranges(cells: NumericCells, reference: Counts, current: Counts) -> list[Bar]:
    """Cells from one edge to the next; tails only where somebody is."""
    numbers = cells.missing.start
    edges, begins = _edges(cells.points, reference[:numbers], (reference + current)[:numbers])
    shares = (
        (_between(counts[:numbers], begins) / max(int(counts.sum()), 1)).tolist()
        for counts in (reference, current)
    )
    lows, highs = [None, *edges.tolist()], [*edges.tolist(), None]
    bars = [Bar("", *told) for told in zip(lows, highs, *shares, strict=True)]
    return [bar for bar in bars if _is_filled(bar) or None not in (bar.low, bar.high)]


def _is_filled(bar: Bar) -> bool:
    return bool(bar.reference or bar.current)


def _between(counts: Counts, begins: Cells) -> Counts:
    """Rows before the first of these cells, from each to the next, and from the last on."""
    running = np.concatenate([[0], np.cumsum(counts)])
    return np.asarray(np.diff(running[np.concatenate([[0], begins, [len(counts)]])]), np.int64)


def _edges(points: Floats, reference: Counts, rows: Counts) -> tuple[Floats, Cells]:
    """Where ranges end, ascending, and the first cell beyond each."""
    cumulated = np.cumsum(reference) / max(int(reference.sum()), 1)
    finite = points[np.isfinite(points)]
    bulk = points[[_point_at(cumulated, share) for share in (BULK, 1 - BULK)]]
    low, high = np.clip(bulk, finite[0], finite[-1]).tolist()
    edges, begins = _told_apart(points, *_round_steps(low, high), rows)
    if _between(reference, begins).max() <= CROWDED * reference.sum():
        return edges, begins
    places = _evenly(reference, cumulated)
    places = places[np.isfinite(points[places])]
    return points[places], 2 * places + 1


def _evenly(reference: Counts, cumulated: Floats) -> Cells:
    """Points at equal shares of the reference; a value that many rows have is apart."""
    shares = np.linspace(0, 1, MOST + 1)[1:-1]
    places = np.unique([_point_at(cumulated, share) for share in shares])
    common = places[reference[2 * places + 1] > reference.sum() / MOST]
    return np.unique([*places, *np.minimum(common + 1, len(reference) // 2 - 1)]).astype(np.int64)


def _point_at(cumulated: Floats, share: float) -> int:
    """The first point up to which the reference has this share of its rows."""
    last = (len(cumulated) - 3) // 2
    return min(int(np.searchsorted(cumulated, share)) // 2, last)


def _round_steps(low: float, high: float) -> tuple[Floats, float]:
    """Round numbers in equal steps that hold `low` and `high` between them, and the step."""
    width = (high / 2 - low / 2) / MOST * 2
    if not (math.isfinite(width) and width > 0):
        return np.array([low]), 0.0
    power = 10.0 ** math.floor(math.log10(width))
    step = next(power * one for one in ROUND if power * one >= width * (1 - 1e-9))
    numbers = range(math.floor(low / step), math.ceil(high / step) + 1)
    return np.array([step * number for number in numbers]), step


def _told_apart(points: Floats, edges: Floats, step: float, rows: Counts) -> tuple[Floats, Cells]:
    """Each edge with the first cell beyond it, moved where it would cut a wide gap with rows."""
    found = dict(_told(points, edge, step, rows) for edge in edges.tolist())
    return np.array(list(found)), np.array(list(found.values()), np.int64)


def _told(points: Floats, edge: float, step: float, rows: Counts) -> tuple[float, int]:
    """The edge is at a point, or cuts the gap between two."""
    left, right = (int(np.searchsorted(points, edge, side)) for side in ("left", "right"))
    cell = left + right
    if cell % 2 or not rows[cell]:
        return edge, cell
    low, high = _ends(points, cell)
    is_nearer_low = high is None or (low is not None and edge - low < high - edge)
    if low is not None and high is not None and high - low <= NARROW * step:
        return edge, cell if is_nearer_low else cell + 1
    end, first = (low, cell - 1) if is_nearer_low else (high, cell + 1)
    return (edge, cell) if end is None else (end, first)
