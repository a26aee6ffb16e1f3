"""What one row holds, as plain Python values."""

from __future__ import annotations

from typing import Any

from sidelight.tensors import Column


def cell(column: Column) -> Any:
    """The value of a column of one row: None for a null, nested lists for a tensor."""
    if column.valid is None or column.is_tensor:
        return column.values[0].tolist() if column.is_tensor else column.values.tolist()[0]
    return column.values.tolist()[0] if column.valid[0] else None
