"""What the model answered along an attack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight.config.settings import ModelSettings
from sidelight_dashboard.attacks.sequence import Answered, Step
from sidelight_dashboard.drawing.figures import Figure, Shape, Trace


def watched_output(settings: ModelSettings, steps: Sequence[Step]) -> str | None:
    """The output that is drawn: the probability of `outcome` where there is one, else the first
    that is a number; None where none is."""
    numeric = {
        output.column: None
        for step in steps
        for output in step.outputs
        if output.number is not None
    }
    outcome = settings.outcome
    probability = outcome.probability if outcome else None
    if isinstance(probability, str) and probability in numeric:
        return probability
    return next(iter(numeric), None)


def answers_figure(settings: ModelSettings, steps: Sequence[Step]) -> Figure | None:
    """The output by the number of the query; each query leads to its row."""
    column = watched_output(settings, steps)
    if column is None:
        return None
    told = [(step, one) for step in steps for one in step.outputs if one.column == column]
    return {
        "data": [_line(told), *_turned(told), *_target(told)],
        "layout": {
            "xaxis": {"title": {"text": "number of the query"}, "type": "linear"},
            "yaxis": {"title": {"text": told[0][1].label}},
            "hovermode": "closest",
            "shapes": list(_decision(settings, column)),
        },
    }


Told = Sequence[tuple[Step, Answered]]


def _line(told: Told) -> Trace:
    numbers: list[int] = []
    values: list[float | None] = []
    addresses: list[str] = []
    for step, output in told:
        if numbers and step.query.number > numbers[-1] + 1:
            numbers.append(numbers[-1] + 1)
            values.append(None)
            addresses.append("")
        numbers.append(step.query.number)
        values.append(output.number)
        addresses.append(step.query.path)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "answer",
        "x": numbers,
        "y": values,
        "customdata": addresses,
        "connectgaps": False,
        "line": {"color": "$series", "width": 1.5},
        "marker": {"color": "$series", "size": 6},
    }


def _target(told: Told) -> Iterator[Trace]:
    if found := [(step, output) for step, output in told if step.is_target]:
        yield _points("the target", found, "circle-open", "$mark")


def _turned(told: Told) -> Iterator[Trace]:
    if found := [(step, output) for step, output in told if step.turned]:
        yield _points("decided otherwise than the first", found, "diamond", "$alarm")


def _points(name: str, told: Told, symbol: str, role: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [step.query.number for step, _ in told],
        "y": [output.number for _, output in told],
        "customdata": [step.query.path for step, _ in told],
        "marker": {"symbol": symbol, "color": role, "size": 10, "line": {"width": 2}},
    }


def _decision(settings: ModelSettings, column: str) -> Iterator[Shape]:
    """Where the decision turns, if the outcome says so."""
    outcome = settings.outcome
    if outcome is None or outcome.prediction or outcome.probability != column:
        return
    yield {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": outcome.threshold,
        "y1": outcome.threshold,
        "line": {"color": "$limit", "dash": "dash", "width": 1.5},
        "label": {
            "text": "the decision turns",
            "textposition": "start",
            "font": {"color": "$limit", "size": 11},
        },
    }
