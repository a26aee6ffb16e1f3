"""A model's file, held against what its predictor answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.predictors.sklearn_model import REFUSED
from sidelight.tensors import Columns, split_index
from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.outputs import Output, choose_output
from sidelight_explainers.whitebox.contract import Unread
from sidelight_explainers.whitebox.fronts import Front
from sidelight_explainers.whitebox.last_step import Readings
from sidelight_explainers.whitebox.local import Readable
from sidelight_explainers.whitebox.reading import Floats, Reading

RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""How near two answers of one model are, one of which may have travelled as 32 bits."""
SPARED = 2
"""Rows that the black box needs, beside one a feature, when the file turns out not to be true."""


@dataclass(frozen=True, eq=False)
class Reader:
    """A `WhiteBox`.

    `witnesses` are background rows (w,) that are asked with each row, since one answer alone may
    agree by chance (a label of 1 with a probability of 1.0), and `said` (w,) is what the file says
    of them by output. `nulls` is whether the file tells what becomes of nulls and NaN.
    """

    local: Readable
    front: Front
    readings: Readings
    witnesses: Columns
    said: Mapping[int, Floats]
    nulls: bool
    background_rows: int
    reference_rows: int

    def __call__(self, row: Columns, output: str | None, inquiry: Inquiry) -> Attributions | Unread:
        if not inquiry.affords(1 + len(self.witnesses) + len(row.columns) + SPARED):
            return Unread("the budget does not pay for the rows that show whether the file is true")
        if not self.nulls and not all(column.known().all() for column in row):
            return Unread("the model's file does not say what becomes of a null")
        asked = Columns.concatenate([row, self.witnesses])
        answer = choose_output(inquiry.ask(asked), output)
        number = self._number(answer.name)
        if number not in self.readings:
            return Unread(f"the model's file does not say how output {answer.name!r} comes about")
        try:
            table = self.table(row)
        except REFUSED as exc:
            return Unread(f"the model's file does not take the row: {exc}")
        return self._agreed(row, table, answer, number)

    def table(self, rows: Columns) -> Floats:
        """The rows as the model's last step takes them."""
        return self.front.table(self.local.table(rows))

    def _number(self, name: str) -> int:
        index = split_index(name)[1]
        return _only(self.readings) if index is None else index

    def _agreed(
        self, row: Columns, table: Floats, answer: Output, number: int
    ) -> Attributions | Unread:
        reading = self.readings[number]
        shares = reading.contributions(table)
        told = np.append(reading.base + shares.sum(), self.said[number])
        wrong = np.flatnonzero(~_near(told, answer.values))
        if len(wrong):
            ours, theirs = told[wrong[0]], answer.values[wrong[0]]
            return Unread(
                f"the model's file gives {ours:.6g} where the predictor answers {theirs:.6g}; it"
                f" may be another version, or output {answer.name!r} another number"
            )
        return self._attributions(row, shares, answer, reading)

    def _attributions(
        self, row: Columns, shares: Floats, answer: Output, reading: Reading
    ) -> Attributions:
        prediction = float(answer.values[0])
        each = zip(row, shares.tolist(), strict=True)
        return Attributions(
            output=answer.name,
            base_value=reading.base,
            prediction=prediction,
            attributions=tuple(
                Attribution(column.name, json_value(column), share, share, share)
                for column, share in each
            ),
            estimator=reading.estimator,
            additivity_gap=reading.base + float(shares.sum()) - prediction,
            interval="exact",
            background_rows=self.background_rows,
            reference_rows=self.reference_rows,
        )


def _only(readings: Readings) -> int:
    """Which output a lone number is: a regression's, or the probability of yes."""
    return 1 if len(readings) == 2 else 0


def agreeing(readings: Readings, table: Floats, answer: Any) -> Readings:
    """Those whose values are the numbers (r,) or (r, k) that the file's own model gives."""
    numbers = np.asarray(answer, np.float64).reshape(len(table), -1)
    at = {_only(readings): 0} if numbers.shape[1] == 1 else {k: k for k in readings}
    return {
        k: readings[k]
        for k, column in at.items()
        if k in readings
        and column < numbers.shape[1]
        and _near(readings[k].values(table), numbers[:, column]).all()
    }


def _near(ours: Floats, theirs: Floats) -> NDArray[np.bool_]:
    return np.isclose(ours, theirs, RELATIVE, ABSOLUTE)
