"""Questions feature by feature, sent in few large ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.quality import Stopped

Floats = NDArray[np.float64]
PART_ROWS = 4096
"""Rows of one question: few enough that a deadline is kept and something can be shown."""


@dataclass(frozen=True, eq=False)
class Answered:
    """What the model said: of the rows as they are (n,), and of each part. `stopped` is `deadline`
    when parts are missing."""

    output: str
    rows: Floats
    parts: Mapping[str, Floats] = field(default_factory=dict)
    stopped: Stopped = "accurate"


def ask_parts(
    rows: Columns,
    parts: Mapping[str, Columns],
    output: str | None,
    inquiry: Inquiry,
    heard: Callable[[Answered], None],
) -> Answered:
    """Ask the rows, then part after part, several in one question; `heard` is told in between."""
    first, *others = _batches(rows, parts)
    known = _asked(rows, {name: parts[name] for name in first}, output, inquiry)
    for names in others:
        heard(known)
        batch = {name: parts[name] for name in names}
        try:
            further = _asked(rows.take(slice(0)), batch, known.output, inquiry)
        except OutOfTime:
            return Answered(known.output, known.rows, known.parts, "deadline")
        known = Answered(known.output, known.rows, {**known.parts, **further.parts})
    return known


def _batches(rows: Columns, parts: Mapping[str, Columns]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = len(rows)
    for name, part in parts.items():
        if batch and size + len(part) > PART_ROWS:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += len(part)
    yield batch


def _asked(
    rows: Columns, batch: Mapping[str, Columns], output: str | None, inquiry: Inquiry
) -> Answered:
    """One question: rows, which may be none, and parts."""
    chosen = choose_output(inquiry.ask(Columns.concatenate([rows, *batch.values()])), output)
    ends = np.cumsum([len(rows), *(len(part) for part in batch.values())])[:-1]
    own, *others = np.split(chosen.values, ends)
    return Answered(chosen.name, own, dict(zip(batch, others, strict=True)))
