"""Decisions of a file compared between groups, over all its rows, and by labels if it has some."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sidelight.errors import NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.bias.detector import NAME, BiasDetector
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.cells import elements_of
from sidelight_detectors.contract import Sums
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.indexed import Indexed

Told = BiasFinding | str
"""What was found, or why nothing was."""


def bias_of(fitted: Fitted, rows: Columns) -> tuple[Told, ...]:
    """What was decided, then what came true; of what cannot be judged, why.

    Raises `DataMismatch` for a label that is no class of the outcome.
    """
    part = fitted.parts.get(NAME)
    return tuple(_told(fitted, part, rows)) if isinstance(part, BiasDetector) else ()


def _told(fitted: Fitted, part: BiasDetector, rows: Columns) -> Iterator[Told]:
    if not any(name in rows for name in part.outcome.outputs):
        told = " or ".join(map(repr, part.outcome.outputs))
        yield f"the file has no column {told}, which says what was decided"
        return
    indexed = fitted.index(rows)
    yield _judged(lambda: part.judge_decisions(part.observe(indexed).sums), "decisions")
    label = part.outcome.settings.label
    if label is None:
        return
    if label not in rows:
        yield f"by labels: the file has no column {label!r}"
        return
    sums = _settled(part, rows, indexed)
    yield _judged(lambda: part.settle(sums, is_final=True), "labels")


def _judged(judge: Callable[[], BiasFinding], by: str) -> Told:
    try:
        return judge()
    except NotEnoughData as exc:
        return f"by {by}: {exc}"


def _settled(part: BiasDetector, rows: Columns, indexed: Indexed) -> Sums:
    column = rows[str(part.outcome.settings.label)]
    numbers = part.outcome.numbers(column)
    known, trail = ~np.isnan(numbers), part.decided(indexed).packed()
    values, valid = elements_of(column)
    for value in values[~known if valid is None else ~known & valid]:
        if value == value and value != "":
            part.outcome.number_of_label(value)  # raises, and names what there is
    return part.awaited(trail) + part.labelled(trail[known], numbers[known])
