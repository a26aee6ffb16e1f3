"""What an explainer is: one row and a wish in, one explanation out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request may choose for itself; None leaves it to the configuration."""

    output: str | None = None
    budget: int | None = None
    seed: int | None = None


class Explainer(Protocol):
    """Explains one row. Called from many threads at once, and keeps nothing between two calls.

    `row` holds exactly one row with the model's features by name. Raises `DataMismatch` for a row
    or wish that does not fit, `PredictorError` when the predictor does not answer.
    """

    def __call__(self, row: Columns, wish: Wish) -> Explanation: ...
