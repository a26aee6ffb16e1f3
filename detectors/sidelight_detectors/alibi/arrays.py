"""Arrays in JSON, to the last bit: a number in text would lose NaN and infinities."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """`ValueError` for an array of objects, which would have to be pickled."""
    if array.dtype.hasobject:
        raise ValueError(f"an array of {array.dtype} has no bytes to keep")
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": content}


def unpacked(saved: Mapping[str, Any]) -> NDArray[Any]:
    flat = np.frombuffer(base64.b64decode(saved["data"]), np.dtype(saved["dtype"]))
    return flat.reshape(saved["shape"]).copy()


def as_list(values: Any) -> list[float]:
    """Numbers of any shape as a flat list of Python's."""
    return [float(value) for value in np.asarray(values, np.float64).ravel()]
