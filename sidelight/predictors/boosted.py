"""What the libraries of boosted trees share: numbers in, probabilities or one number out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import PredictorError
from sidelight.predictors.spending import current
from sidelight.tensors import Column, Columns


@dataclass(frozen=True)
class BoostedPredictor(ABC):
    """A library's `Booster` as a `Predictor`.

    A classifier answers with `probability` (n, n_classes) and `label` (n,), anything else with
    `prediction`.
    """

    PROBABILITIES: ClassVar[tuple[str, ...]]
    """Objectives of classifiers."""

    name: str
    model: Any
    objective: str
    features: tuple[str, ...] = ()

    @abstractmethod
    def values(self, rows: Columns) -> NDArray[Any]:
        """What the model gives for the features in order; `PredictorError` where it refuses."""

    def __call__(self, rows: Columns) -> Columns:
        current().add(len(rows))
        values = self.values(rows.select(self.features) if self.features else rows)
        return _classified(values) if self.objective in self.PROBABILITIES else _predicted(values)

    def ready(self) -> bool:
        return True

    def close(self) -> None:  # noqa: B027 - a model in memory frees itself
        """Nothing to free."""

    def refused(self, rows: Columns, words: str) -> PredictorError:
        """The error that says so."""
        told = f"model {self.name!r} refused {len(rows)} rows: {words}"
        return PredictorError(told, status=400)


def in_order(rows: Columns, known: tuple[str, ...]) -> Columns:
    """The columns as the model names its features; as they come where it does not know them."""
    return rows.select(known) if known and all(name in rows for name in known) else rows


def number_matrix(rows: Columns) -> NDArray[np.float64]:
    """All columns as numbers (n, k), nulls as NaN; `ValueError` names a column of anything else."""
    return np.column_stack([_numbers(column) for column in rows])


def _classified(probability: NDArray[Any]) -> Columns:
    """The answer of a classifier: of one number a row, that of yes, and of no before it."""
    if probability.ndim == 1:
        probability = np.column_stack([1 - probability, probability])
    label = probability.argmax(axis=1)
    return Columns((Column("probability", probability), Column("label", label)))


def _predicted(values: NDArray[Any]) -> Columns:
    """The answer of anything else."""
    return Columns((Column("prediction", np.asarray(values)),))


def _numbers(column: Column) -> NDArray[np.float64]:
    if column.kind not in ("number", "boolean"):
        raise ValueError(f"feature {column.name!r} holds {column.kind}s; the model takes numbers")
    values = column.values.astype(np.float64)
    return values if column.valid is None else np.where(column.valid, values, np.nan)
