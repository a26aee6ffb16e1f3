"""Values with their bounds over time: a step for each window, and a mark by its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sidelight_dashboard.bias.findings import Number
from sidelight_dashboard.bias.windows import Kind, Window
from sidelight_dashboard.drawing.breaks import Run, line, unbroken
from sidelight_dashboard.drawing.figures import Axis, Figure, Shape, Trace, over_time
from sidelight_dashboard.drawing.marks import SYMBOLS, Said, State, ends
from sidelight_dashboard.times import iso


@dataclass(frozen=True, slots=True)
class Spot:
    """A window's value with its bounds, and its limits."""

    value: Number
    low: Number
    high: Number
    state: State
    rows: str
    limits: tuple[Number, ...] = ()


NOTHING = Spot(None, None, None, "unknown", "")
"""Of a window that was not judged: a gap, not a zero."""


@dataclass(frozen=True, slots=True)
class Held:
    """How a limit is called, and how its line looks."""

    name: str
    role: str = "$limit"
    dash: str = "dash"


ALLOWED = Held("allowed")
REFERENCE = Held("reference", "$reference", "dot")


@dataclass(frozen=True, slots=True)
class Point:
    """A `Spot` in time; `stands_for` so many windows."""

    begin_ns: int
    end_ns: int
    spot: Spot
    stands_for: int = 1


def points_of(
    windows: Sequence[Window[Kind]], spot_of: Callable[[Kind], Spot | None]
) -> list[Point]:
    """What is read from the windows' findings."""
    return [Point(one.begin_ns, one.end_ns, _spot(one, spot_of), one.stands_for) for one in windows]


def course(
    name: str,
    points: Sequence[Point],
    said: Said,
    axis: Axis,
    held: Sequence[Held],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """`held` are the limits of every `Spot`, in their order. The caption is the legend."""
    run = unbroken(points, _patience)
    value = _line(name, run, lambda one: one.spot.value)
    limits = [_limit(run, place, one) for place, one in enumerate(held)]
    traces = [*_interval(run), value, *limits, *_marked(points, said)]
    figure = over_time(traces, axis, shapes)
    figure["layout"]["showlegend"] = False
    return figure


def close_up(figure: Figure) -> Figure:
    """Without the zero, which says nothing where no value comes near it."""
    figure["layout"]["yaxis"]["rangemode"] = "normal"
    return figure


def _spot(window: Window[Kind], spot_of: Callable[[Kind], Spot | None]) -> Spot:
    found = None if window.finding is None else spot_of(window.finding)
    return found or NOTHING


def _patience(_last: Point, point: Point) -> int:
    """How far a step reaches back before its window: one that stands for many, over all of them."""
    return 2 * point.stands_for * (point.end_ns - point.begin_ns)


def _line(name: str, run: Run[Point], value: Callable[[Point], Number]) -> Trace:
    return line(name, run, value) | {"hoverinfo": "skip"}


def _limit(run: Run[Point], place: int, held: Held) -> Trace:
    trace = _line(held.name, run, lambda one: one.spot.limits[place] if one.spot.limits else None)
    trace["line"] |= {"color": held.role, "dash": held.dash, "width": 1.5}
    return trace


def _interval(run: Run[Point]) -> list[Trace]:
    """A box for each window, from the end of the one before: a fill between lines knows no gaps."""
    x: list[str | None] = []
    y: list[Number] = []
    for (left_ns, before), (right_ns, point) in pairwise(run):
        if before is None or point is None or before.spot is NOTHING:
            continue
        low, high = point.spot.low, point.spot.high
        if low is not None and high is not None:
            left, right = iso(left_ns), iso(right_ns)
            x += [left, right, right, left, left, None]
            y += [high, high, low, low, high, None]
    if not x:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "interval",
            "x": x,
            "y": y,
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": "$band",
            "hoverinfo": "skip",
        }
    ]


def _marked(points: Sequence[Point], said: Said) -> Iterator[Trace]:
    for state, symbol in SYMBOLS.items():
        own = [one for one in points if one.spot.state == state and one.spot.value is not None]
        if own:
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": said.of(state),
                "x": [iso(point.end_ns) for point in own],
                "y": [point.spot.value for point in own],
                "marker": symbol,
                "text": [ends(one.spot.low, one.spot.high, one.spot.rows) for one in own],
                "hovertemplate": "%{y} %{text}",
            }
