"""The one value that a row of a text or picture model is."""

from __future__ import annotations

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns


def lone(rows: Columns, feature: str) -> Column:
    """The feature's column (1, ...) of one row, under whatever name it was sent."""
    if len(rows) != 1:
        raise DataMismatch(f"{len(rows)} rows of {feature!r}; one is explained at a time")
    if feature not in rows and len(rows.columns) == 1:
        return _there(rows.columns[0].renamed(feature))
    return _there(rows.select((feature,))[feature])


def _there(column: Column) -> Column:
    if column.valid is not None and not column.valid.all():
        raise DataMismatch(f"feature {column.name!r} is null; send a value")
    return column
