"""Values of a row as JSON."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from sidelight.tensors import Column
from sidelight_dashboard.words.wording import LONGEST

MOST_ELEMENTS = 64
"""Of a tensor with more, the value is left out; its shape is told."""


def json_value(column: Column, row: int = 0) -> Any:
    """As JSON: None for a null, NaN or what is too long, ISO 8601 for times, base64 for bytes."""
    if column.is_tensor:
        return _elements(column.values[row])
    if column.valid is not None and not column.valid[row]:
        return None
    value = column.values[row]
    if column.kind == "time":
        return None if np.isnat(value) else f"{value}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii") if len(value) <= LONGEST else None
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _elements(values: np.ndarray[Any, Any]) -> Any:
    if values.size > MOST_ELEMENTS or values.dtype.kind not in "iufb":
        return None
    told = values.astype(object)
    told[~np.isfinite(values.astype(np.float64))] = None
    return told.tolist()
