"""What an explainer is: rows and options in, an explanation out, all questions through one door."""

from __future__ import annotations

from typing import Protocol, TypeVar

from sidelight.config.explaining.method import MethodSettings
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Quality, Stopped

Options = TypeVar("Options", bound=MethodSettings, contravariant=True)


class Inquiry(Protocol):
    """What one explanation may ask of the predictor, and what that has cost. Made for one
    explanation; nothing of it is shared."""

    def ask(self, rows: Columns) -> Columns:
        """The predictor's answers, one a row, in order; repeated rows are asked once, but the first
        row of the first question (the explained one) in any case for itself.

        Raises `PredictorError` when the predictor fails, `OutOfTime` when the answer does not come
        before the deadline, `Cancelled` when nobody waits any longer.
        """
        ...

    def check(self) -> None:
        """Ask nothing, but raise `OutOfTime` or `Cancelled` as `ask` would: for long work between
        two questions."""
        ...

    def affords(self, rows: int) -> bool:
        """Do so many more rows fit into the budget and, at the speed seen so far, the deadline?"""
        ...

    @property
    def left(self) -> int:
        """Rows of the budget not yet asked."""
        ...

    def show(self, partial: Explanation) -> None:
        """Tell whoever watches what is known so far."""
        ...

    def quality(self, stopped: Stopped) -> Quality:
        """What was spent up to now, and why no more."""
        ...


class Explainer(Protocol[Options]):
    """One method, opened for one model.

    Called from many threads at once, and keeps nothing between two calls: the same rows, options
    and answers of the predictor give the same explanation, alone or among a hundred others.

    `rows` holds the model's features by name: exactly one row for a local method; for a global
    one the rows to explain the model over, none for those of the reference. `options` is valid.
    Raises `DataMismatch` for rows or options that do not fit, naming the column, and passes on
    what `inquiry.ask` raises. Past the deadline it returns what it has (`stopped: deadline`), and
    lets `OutOfTime` pass only when it has nothing.
    """

    def __call__(self, rows: Columns, options: Options, inquiry: Inquiry) -> Explanation: ...
