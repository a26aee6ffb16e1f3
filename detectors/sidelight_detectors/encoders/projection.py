"""A linear map from many elements to a few features, exact and independent of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight_detectors.encoders.contract import Features
from sidelight_detectors.encoders.fixed_point import FixedPoint

WEIGHT_BITS = 11
"""Weights are whole numbers of at most so many bits: two libraries that disagree on the last bits
of an eigenvector agree on these."""
MAX_ELEMENTS = 1 << 20
"""Elements a row; with `fixed_point.LIMIT` and `WEIGHT_BITS` sums of products stay below 2**53."""
_BLOCK = 1 << 21


@dataclass(frozen=True, eq=False)
class Projection:
    """``(x - centre) @ weights`` in fixed point.

    Parameters
    ----------
    fixed:
        What the elements are counted in.
    centre:
        Shape ``(d,)`` int64, in units.
    weights:
        Shape ``(d, k)`` int16.
    scale:
        Shape ``(k,)`` float64, powers of two: what one unit times one weight stands for.
    """

    fixed: FixedPoint
    centre: NDArray[np.int64]
    weights: NDArray[np.int16]
    scale: NDArray[np.float64]

    def of(self, values: NDArray[Any]) -> Features:
        """Shape ``(n, k)`` of values ``(n, d)``."""
        step = max(1, _BLOCK // max(1, values.shape[1]))
        blocks = [self._block(values[at : at + step]) for at in range(0, len(values), step)]
        return np.concatenate(blocks) if blocks else np.empty((0, self.weights.shape[1]))

    def _block(self, values: NDArray[Any]) -> Features:
        return (self.fixed.of(values) @ self._wide - self._offset) * self.scale

    @cached_property
    def _wide(self) -> NDArray[np.float64]:
        return self.weights.astype(np.float64)

    @cached_property
    def _offset(self) -> NDArray[np.float64]:
        return self.centre.astype(np.float64) @ self._wide

    def packed(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays: dict[str, NDArray[Any]] = {
            "centre": self.centre,
            "weights": self.weights,
            "scale": self.scale,
        }
        return {"unit": self.fixed.unit}, arrays


def unpack_projection(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Projection:
    """Reads what `Projection.packed` gave; `ValueError` or `KeyError` on anything else."""
    centre, weights, scale = (arrays[name] for name in ("centre", "weights", "scale"))
    require_dtypes({"centre": np.int64, "weights": np.int16, "scale": np.float64}, arrays)
    if weights.shape != (*centre.shape, *scale.shape):
        raise ValueError("its centre, weights and scale do not belong together")
    return Projection(FixedPoint(float(header["unit"])), centre, weights, scale)


def projection_onto(
    directions: NDArray[np.float64], fixed: FixedPoint, centre: NDArray[np.int64]
) -> Projection:
    """Onto the directions, the columns of ``(d, k)``; of either sign the same is chosen."""
    require_narrow(len(directions))
    largest = np.abs(directions).max(axis=0)
    _, exponents = np.frexp(largest)
    fine = np.ldexp(1.0, WEIGHT_BITS - exponents)
    weights = np.rint(directions * fine)
    leading = np.abs(weights).argmax(axis=0)
    weights *= np.sign(weights[leading, np.arange(weights.shape[1])])
    return Projection(fixed, centre, weights.astype(np.int16), fixed.unit / fine)


def require_narrow(elements: int) -> None:
    """Raises `DataMismatch` for rows with more elements than a sum can hold exactly."""
    if elements > MAX_ELEMENTS:
        raise DataMismatch(
            f"a row holds {elements} elements, at most {MAX_ELEMENTS} are projected; "
            "send it smaller"
        )


def require_dtypes(wanted: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """`ValueError` for a stored array of another dtype, `KeyError` for one that is not there."""
    for name, dtype in wanted.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"its {name} are {arrays[name].dtype}, not {np.dtype(dtype)}")
