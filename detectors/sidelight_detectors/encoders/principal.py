"""Principal directions of reference rows, the same in every process that fits them.

Hotelling: "Analysis of a complex of statistical variables into principal components", Journal of
Educational Psychology 24, 1933. The covariance is summed in whole numbers, so it is exact; only
the eigenvectors have platform-dependent last bits, and the weights are coarser than these
(`projection.WEIGHT_BITS`). Two directions of nearly equal variance are the exception: which of
their rotations is found may depend on the library.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight_detectors.encoders.fixed_point import fixed_point_for
from sidelight_detectors.encoders.projection import Projection, projection_onto, require_narrow

MAX_SIDE = 2048
"""Of rows or elements, the fewer; an eigenproblem of this size takes about two seconds."""
_MAX_CELLS = 1 << 26
_NEGLIGIBLE = 1e-6


def principal_projection(values: NDArray[np.float32], components: int) -> Projection:
    """Onto the `components` directions in which the rows ``(n, d)`` vary most, or fewer.

    Raises `DataMismatch` when they do not vary at all.
    """
    require_narrow(values.shape[1])
    fixed = fixed_point_for(values)
    units = fixed.of(values[: _rows_used(*values.shape)])
    centre = np.rint(units.sum(axis=0) / len(units)).astype(np.int64)
    directions = _directions(units - centre, components)
    if not directions.shape[1]:
        raise DataMismatch("its rows in the reference are all the same; leave this column out")
    return projection_onto(directions, fixed, centre)


def _rows_used(rows: int, elements: int) -> int:
    if elements <= MAX_SIDE:
        return rows
    return min(rows, MAX_SIDE, max(2, _MAX_CELLS // elements))


def _directions(centred: NDArray[np.float64], components: int) -> NDArray[np.float64]:
    rows, elements = centred.shape
    if elements <= rows or elements <= MAX_SIDE:
        _, vectors = _largest(centred.T @ centred, components)
        return vectors
    strengths, vectors = _largest(centred @ centred.T, components)
    return centred.T @ vectors / np.sqrt(strengths)


def _largest(
    matrix: NDArray[np.float64], components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues, descending, and their vectors."""
    size = len(matrix)
    chosen = (max(0, size - components), size - 1)
    values, vectors = scipy.linalg.eigh(matrix, subset_by_index=chosen)
    kept = np.flatnonzero(values > _NEGLIGIBLE * max(values[-1], 0))[::-1]
    return values[kept], vectors[:, kept]
