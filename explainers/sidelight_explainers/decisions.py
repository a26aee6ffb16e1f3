"""What a model decides, and when two decisions are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.errors import DataMismatch, PredictorError
from sidelight.tensors import Column, Columns
from sidelight_explainers.outputs import choose_column, choose_output

Labels = NDArray[Any]
Scores = NDArray[np.float64]

EVEN = 0.5
"""Where a probability changes sides when no threshold is set."""


class Decider(Protocol):
    """How decisions are read from answers; made from the answer to the explained row."""

    @property
    def output(self) -> str:
        """The name of the output that decides."""
        ...

    def labels(self, answer: Columns) -> Labels:
        """The decision of each row (r,): text, whole numbers, or booleans."""
        ...

    def scores(self, answer: Columns, label: Any) -> Scores | None:
        """How far inside that decision each row (r,) is, below zero outside; None for labels."""
        ...

    def numbers(self, answer: Columns) -> Scores | None:
        """The number behind each decision (r,), such as its probability; None for labels."""
        ...

    def words(self, label: Any) -> Any:
        """A decision as a JSON value."""
        ...

    def label(self, answer: Columns, told: str | int | bool) -> Any:
        """The decision that somebody means, from its words; `DataMismatch` when it is none."""
        ...


def choose_decider(answer: Columns, output: str | None, options: DecidingSettings) -> Decider:
    """How to decide by this output, whose first row is the explained one.

    Raises `DataMismatch` for an output that is not there, or a number that neither is a
    probability nor has a threshold or tolerance; `PredictorError` for values that are null.
    """
    if options.threshold is not None:
        return Side(choose_output(answer, output).name, options.threshold)
    if options.tolerance is not None:
        chosen = choose_output(answer, output)
        centre = float(chosen.values[0])
        return Range(chosen.name, centre - options.tolerance, centre + options.tolerance)
    column = choose_column(answer, output)
    if column.values.dtype.kind == "f":
        return _by_numbers(answer, column, output)
    if column.values.size != len(column):
        raise DataMismatch(
            f"output {column.name!r} has shape {column.values.shape}; a label is one value a row"
        )
    return Label(column.name)


def _by_numbers(answer: Columns, column: Column, output: str | None) -> Decider:
    if column.values.ndim == 2 and column.values.shape[1] > 1:
        return Largest(column.name)
    chosen = choose_output(answer, output)
    if chosen.values.min() < 0 or chosen.values.max() > 1:
        raise DataMismatch(
            f"output {chosen.name!r} is a number such as {chosen.values[0]:.6g}, no probability;"
            " set 'threshold' or 'tolerance' to say what the decision is"
        )
    return Side(chosen.name, EVEN)


@dataclass(frozen=True)
class Side:
    """Is one number above a threshold?"""

    output: str
    threshold: float

    def labels(self, answer: Columns) -> Labels:
        return choose_output(answer, self.output).values > self.threshold

    def scores(self, answer: Columns, label: Any) -> Scores:
        above = choose_output(answer, self.output).values - self.threshold
        return above if label else -above

    def numbers(self, answer: Columns) -> Scores:
        return choose_output(answer, self.output).values

    def words(self, label: Any) -> Any:
        return f"{'>' if label else '<='} {self.threshold:.6g}"

    def label(self, answer: Columns, told: str | int | bool) -> bool:
        return _either(self, told)


@dataclass(frozen=True)
class Range:
    """Is one number between two others? An infinite one bounds nothing."""

    output: str
    lowest: float
    highest: float

    def labels(self, answer: Columns) -> Labels:
        return self.scores(answer, True) >= 0

    def scores(self, answer: Columns, label: Any) -> Scores:
        values = choose_output(answer, self.output).values
        inside = np.minimum(values - self.lowest, self.highest - values)
        return inside if label else -inside

    def numbers(self, answer: Columns) -> Scores:
        return choose_output(answer, self.output).values

    def words(self, label: Any) -> Any:
        if np.isinf(self.highest):
            return f"{'>=' if label else '<'} {self.lowest:.6g}"
        if np.isinf(self.lowest):
            return f"{'<=' if label else '>'} {self.highest:.6g}"
        return f"{'in' if label else 'not in'} [{self.lowest:.6g}, {self.highest:.6g}]"

    def label(self, answer: Columns, told: str | int | bool) -> bool:
        return _either(self, told)


@dataclass(frozen=True)
class Largest:
    """Which of several numbers is the largest?"""

    output: str

    def labels(self, answer: Columns) -> Labels:
        return np.asarray(np.argmax(self._table(answer), axis=1))

    def scores(self, answer: Columns, label: Any) -> Scores:
        """By how much the label's number leads the best of the others."""
        table = self._table(answer)
        others = np.delete(table, int(label), axis=1).max(axis=1)
        return np.asarray(table[:, int(label)] - others)

    def numbers(self, answer: Columns) -> Scores:
        return np.asarray(self._table(answer).max(axis=1))

    def words(self, label: Any) -> Any:
        return int(label)

    def label(self, answer: Columns, told: str | int | bool) -> int:
        width = answer[self.output].values.shape[1]
        if not isinstance(told, int) or not 0 <= told < width:
            raise DataMismatch(
                f"{told!r} is no decision; output {self.output!r} decides for one of 0 to"
                f" {width - 1}"
            )
        return int(told)

    def _table(self, answer: Columns) -> Scores:
        column = answer[self.output]
        _refuse_unknown(column, np.isfinite(column.values))
        return column.values.astype(np.float64)


@dataclass(frozen=True)
class Label:
    """The label that the model gives."""

    output: str

    def labels(self, answer: Columns) -> Labels:
        column = answer[self.output]
        _refuse_unknown(column, np.ones(column.values.shape, bool))
        return np.asarray(column.values.reshape(-1))

    def scores(self, answer: Columns, label: Any) -> None:
        return None

    def numbers(self, answer: Columns) -> None:
        return None

    def words(self, label: Any) -> Any:
        plain = label.item() if isinstance(label, np.generic) else label
        return plain.decode(errors="replace") if isinstance(plain, bytes) else plain

    def label(self, answer: Columns, told: str | int | bool) -> Any:
        kind = answer[self.output].kind
        if isinstance(told, str) != (kind in ("string", "bytes")):
            raise DataMismatch(f"{told!r} is no decision; output {self.output!r} holds {kind}s")
        return told.encode() if isinstance(told, str) and kind == "bytes" else told


def _either(decider: Side | Range, told: str | int | bool) -> bool:
    known = {decider.words(True): True, decider.words(False): False}
    if isinstance(told, bool):
        return told
    if told not in known:
        raise DataMismatch(f"{told!r} is no decision; use one of {', '.join(map(repr, known))}")
    return known[told]


def _refuse_unknown(column: Column, known: NDArray[np.bool_]) -> None:
    if column.valid is not None:
        known = known & column.valid
    if not known.all():
        raise PredictorError(f"output {column.name!r} is null or not finite in some rows")
