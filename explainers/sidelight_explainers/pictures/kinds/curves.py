"""Small plots: how the output changes along each feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Page, Paragraph, Plot, Plots
from sidelight_explainers.pictures.wording import counted, cut, number

MOST_PLOTS = 9
MOST_POINTS = 60
POINTS_IN_ALL = 180
LINE_POINTS_IN_ALL = 1000
"""Points of all single rows in all plots together."""

MOST_CATEGORIES = 15


def curves_page(content: Curves, explanation: Explanation) -> Page:
    """The features that matter most first, all on one scale."""
    names = Names(explanation.glossary)
    output, model = names.column(content.output), cut(explanation.model)
    order = sorted(content.curves, key=lambda one: -_span(one))
    shown = [one for one in order if one.effects][:MOST_PLOTS]
    plots = Plots(tuple(_plots(shown, content.effect != "output", names)))
    heading = f"How {output} of {model} changes with each feature"
    notes = (*_notes(content, len(shown)), cost(explanation))
    return Page(heading, (Paragraph(_summary(content), strong=True), plots), notes)


def _span(curve: Curve) -> float:
    return max(curve.effects, default=0.0) - min(curve.effects, default=0.0)


def _summary(content: Curves) -> str:
    rows = f"{counted(content.data_rows, 'row')} ({cut(content.data)})"
    if content.effect == "output":
        return f"The average answer over {rows} if the feature had this value in all of them."
    return (
        f"How far the feature's value moves the answer from its average, {number(content.mean)},"
        f" over {rows}."
    )


def _plots(curves: list[Curve], signed: bool, names: Names) -> Iterator[Plot]:
    plots = [replace(_plot(one, len(curves), names), signed=signed) for one in curves]
    low = min((plot.reach[0] for plot in plots), default=0.0)
    high = max((plot.reach[1] for plot in plots), default=0.0)
    for plot in plots:
        yield plot.between(low, high)


def _plot(curve: Curve, plots: int, names: Names) -> Plot:
    is_numeric = all(map(_is_number, curve.points))
    most = min(MOST_POINTS, POINTS_IN_ALL // plots) if is_numeric else MOST_CATEGORIES
    kept = _thinned(len(curve.points), most)
    lines = LINE_POINTS_IN_ALL // plots // len(kept)
    points = [curve.points[at] for at in kept]
    places = tuple(map(float, points)) if is_numeric else ()
    return Plot(
        names.column(curve.feature),
        tuple(names.value(curve.feature, one) for one in points),
        places,
        _at(curve.effects, kept),
        _at(curve.low, kept),
        _at(curve.high, kept),
        tuple(_at(curve.lines[at], kept) for at in _thinned(len(curve.lines), lines)),
    )


def _at(values: tuple[float, ...], kept: list[int]) -> tuple[float, ...]:
    return tuple(values[at] for at in kept) if values else ()


def _thinned(count: int, most: int) -> list[int]:
    """At most so many of the positions, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [at * (count - 1) // (most - 1) for at in range(most)] if most > 1 else []


def _is_number(point: Any) -> bool:
    return isinstance(point, int | float) and not isinstance(point, bool)


def _notes(content: Curves, shown: int) -> Iterator[str]:
    yield "All plots have one scale."
    if any(one.low for one in content.curves):
        yield "Bands and whiskers (±) are 95 % intervals."
    if any(one.lines for one in content.curves):
        yield "Thin lines in a picture are single rows."
    if len(content.curves) > shown:
        yield f"{counted(len(content.curves) - shown, 'more feature')} in the JSON."
