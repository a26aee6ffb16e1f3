"""Decisions of a file compared between groups, over all its rows, and by labels if it has some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from sidelight.errors import NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.bias.detector import NAME, BiasDetector
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.contract import Sums
from sidelight_detectors.fitted import Fitted


def bias_of(fitted: Fitted, rows: Columns) -> tuple[BiasFinding, ...]:
    """What was decided, then what came true; what is not enough to judge is left out."""
    part = fitted.parts.get(NAME)
    return tuple(_findings(fitted, part, rows)) if isinstance(part, BiasDetector) else ()


def _findings(fitted: Fitted, part: BiasDetector, rows: Columns) -> Iterator[BiasFinding]:
    indexed = fitted.index(rows)
    with suppress(NotEnoughData):
        yield part.judge_decisions(part.observe(indexed).sums)
    label = part.outcome.settings.label
    if label is None or label not in rows:
        return
    numbers = part.outcome.numbers(rows[label])
    known, trail = ~np.isnan(numbers), part.decided(indexed).packed()
    sums: Sums = part.awaited(trail) + part.labelled(trail[known], numbers[known])
    with suppress(NotEnoughData):
        yield part.settle(sums, is_final=True)
