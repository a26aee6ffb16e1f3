"""One text for one category, however it was sent.

A JSON ``1``, an INT64 1, an FP32 1.0 and a CSV's ``"1"`` are one category, ``"1"``. Whole numbers
are written as integers, other numbers as the shortest text that gives the value back in its own
type (FP32 0.1 is ``"0.1"``), booleans as ``"true"`` and ``"false"``, times in ISO 8601; bytes are
read as UTF-8, and a string stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WHOLE = 2.0**53
"""Up to here every whole number is a float64 of its own."""


def text_of(value: Any) -> str:
    """The category text of one value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return _text_of_float(value)
    return str(value)


def texts_of(values: NDArray[Any]) -> Iterable[str]:
    """The category text of each value of a one-dimensional array."""
    return map(text_of, values if values.dtype.kind in "fM" else values.tolist())


def number_of(text: str) -> float | None:
    """The number whose category text this is, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    found = abs(number) < WHOLE and _text_of_float(number) == text
    return number if found else None


def _text_of_float(value: Any) -> str:
    if not np.isfinite(value):
        return str(float(value))
    if value == int(value):
        return str(int(value))
    return np.format_float_positional(value, unique=True, trim="-")
