"""What the libraries of boosted trees share: a matrix of numbers in, probabilities or one number
out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns


def in_order(rows: Columns, known: tuple[str, ...]) -> Columns:
    """The columns as the model names its features; as they come where it does not know them."""
    return rows.select(known) if known and all(name in rows for name in known) else rows


def number_matrix(rows: Columns) -> NDArray[np.float64]:
    """All columns as numbers (n, k), nulls as NaN; `ValueError` names a column of anything else."""
    return np.column_stack([_numbers(column) for column in rows])


def classified(probability: NDArray[Any]) -> Columns:
    """The answer of a classifier: of one number a row, that of yes, and of no before it."""
    if probability.ndim == 1:
        probability = np.column_stack([1 - probability, probability])
    label = probability.argmax(axis=1)
    return Columns((Column("probability", probability), Column("label", label)))


def predicted(values: NDArray[Any]) -> Columns:
    """The answer of anything else."""
    return Columns((Column("prediction", np.asarray(values)),))


def _numbers(column: Column) -> NDArray[np.float64]:
    if column.kind not in ("number", "boolean"):
        raise ValueError(f"feature {column.name!r} holds {column.kind}s; the model takes numbers")
    values = column.values.astype(np.float64)
    return values if column.valid is None else np.where(column.valid, values, np.nan)
