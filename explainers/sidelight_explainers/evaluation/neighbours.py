"""Rows close to an explained one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sidelight.tensors import Column, Columns

RADIUS = 0.1
"""How far, in standard deviations of the reference."""


def neighbours(
    row: Columns, reference: Columns, count: int, random: np.random.Generator
) -> Iterator[Columns]:
    """That many rows, each number moved by at most `RADIUS`; categories, flags, and nulls stay.

    None at all where it holds no number that varies in the reference.
    """
    spreads = {column.name: _spread(column) for column in reference}
    moving = [one.name for one in row if one.name in spreads and spreads[one.name] > 0]
    if not any(_moves(row[name]) for name in moving):
        return
    for _ in range(count):
        yield Columns(
            tuple(_moved(one, spreads.get(one.name, 0.0), random) for one in row), row.parameters
        )


def _spread(column: Column) -> float:
    if not _moves(column):
        return 0.0
    values = column.values if column.valid is None else column.values[column.valid]
    known = values[np.isfinite(values)]
    return float(known.std()) if known.size else 0.0


def _moves(column: Column) -> bool:
    return not column.is_tensor and column.values.dtype.kind == "f"


def _moved(column: Column, spread: float, random: np.random.Generator) -> Column:
    if not _moves(column) or spread == 0:
        return column
    step = random.uniform(-RADIUS, RADIUS, column.values.shape) * spread
    return replace(column, values=(column.values + step).astype(column.values.dtype))
