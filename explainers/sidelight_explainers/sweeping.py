"""Many forms of one row, asked in parts while time and budget last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.parts import rows_a_part
from sidelight_explainers.outputs import choose_output

FIRST = 4
"""The first question has one form in so many: it tells how fast the predictor is."""
SMALLEST = 16
"""A part of less than one in so many of those that are left is not worth a call."""

MakeRows = Callable[[slice], Columns]


@dataclass(frozen=True, eq=False)
class Forms:
    """Forms of the `explained` row, `each` rows a form; ``rows(slice)`` of some of them.

    `new` (forms,) counts the rows of each that no form before it has: what it costs.
    """

    explained: Columns
    each: int
    new: NDArray[np.intp]
    rows: MakeRows


@dataclass(frozen=True, eq=False)
class Answers:
    """The output `name` of the explained row, and of further forms, `values` (k, each)."""

    name: str
    prediction: float
    values: NDArray[np.float64]


def sweep(forms: Forms, output: str | None, inquiry: Inquiry) -> Iterator[Answers]:
    """The answers part by part, the first with the explained row.

    Ends early when the budget or the deadline does. Raises what `inquiry.ask` raises, but not
    `OutOfTime` after the first answer.
    """
    count, a_part = len(forms.new), max(rows_a_part(forms.explained) // forms.each, 1)
    start = min(-(-count // FIRST), a_part)
    asked = Columns.concatenate([forms.explained, forms.rows(slice(0, start))])
    found = choose_output(inquiry.ask(asked), output)
    prediction = float(found.values[0])
    yield Answers(found.name, prediction, found.values[1:].reshape(-1, forms.each))
    while part := _affordable(forms.new[start : start + a_part], inquiry):
        try:
            answer = inquiry.ask(forms.rows(slice(start, start + part)))
        except OutOfTime:
            return
        values = choose_output(answer, found.name).values
        yield Answers(found.name, prediction, values.reshape(-1, forms.each))
        start += part


def _affordable(new: NDArray[np.intp], inquiry: Inquiry) -> int:
    """All these forms, or half or a quarter and so on; 0 when there is no time for that either."""
    part, smallest = len(new), len(new) // SMALLEST
    while part > smallest and not inquiry.affords(int(new[:part].sum())):
        part //= 2
    return part if part > smallest else 0
