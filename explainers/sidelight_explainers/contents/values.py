"""Elements of columns as JSON values."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from sidelight.tensors import Column


def json_value(column: Column, row: int = 0) -> Any:
    """One element as a JSON value: None for a null or NaN, ISO 8601 for times, base64 for bytes."""
    if column.valid is not None and not column.valid[row]:
        return None
    value = column.values[row]
    if column.kind == "time":
        return None if np.isnat(value) else f"{value}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain
