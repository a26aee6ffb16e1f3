"""What an outlier method is: it scores rows, and says which features make a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outlier import OutlierSettings
from sidelight.tensors import Column
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed

Scores = NDArray[np.float64]

Arrays = Mapping[str, NDArray[Any]]


class Scorer(Protocol):
    """A fitted method. Frozen; a row's score is its own, whatever batch it comes in."""

    def scores(self, rows: Indexed) -> Scores:
        """Shape ``(n,)``, not below zero; larger is stranger."""
        ...

    def contributions(self, rows: Indexed, scores: Scores) -> NDArray[np.float64]:
        """Each column's part of these scores, ``(n, columns)``; they add up to it."""
        ...

    def pack(self) -> Arrays: ...


@dataclass(frozen=True, eq=False)
class Fitting:
    """The reference rows a method is fitted on; the first `features` columns are scored."""

    grid: Grid
    features: int
    rows: Indexed
    settings: OutlierSettings

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features' values."""
        return self.rows.columns.columns[: self.features]


@dataclass(frozen=True)
class Method:
    """How a method is fitted and read back.

    `left_out` gives scores of the fitting rows, each among the others; None when the method would
    have to be fitted again for every row.
    """

    fit: Callable[[Fitting], Scorer]
    unpack: Callable[[Arrays, Grid, int], Scorer]
    left_out: Callable[[Any, Fitting], Scores] | None = None


def wide(parts: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Parts of the features with zeros for the outputs, which are not scored."""
    return np.pad(parts, ((0, 0), (0, columns - parts.shape[1])))
