"""What a fit follows from, as a hash."""

from __future__ import annotations

import hashlib

import numpy as np

from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import numbers_with_nan


def content_of(rows: Indexed, columns: int) -> str:
    """Hex sha256 of all cells and of the numbers in the first columns.

    Equal on every machine: values and cells as they were read, nothing computed.
    """
    digest = hashlib.sha256(np.ascontiguousarray(rows.cells, "<i4").tobytes())
    for column in rows.columns.columns[:columns]:
        if column.kind in ("number", "boolean", "time"):
            values = numbers_with_nan(column)
            plain = np.where(np.isnan(values), np.nan, values) + 0.0
            digest.update(plain.astype("<f8", copy=False).tobytes())
    return digest.hexdigest()
