"""What reading one output of a model gives."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Reading(Protocol):
    """One output of a model, with its background; immutable.

    Tables are what the model's last step takes: (r, t) for t columns, each of which belongs to one
    of p players.
    """

    estimator: ClassVar[str]

    @property
    def base(self) -> float:
        """The mean output over the background."""
        ...

    def values(self, table: Floats) -> Floats:
        """The output (r,) of the rows."""
        ...

    def contributions(self, row: Floats) -> Floats:
        """Exact interventional Shapley values (p,) of one row (1, t)."""
        ...
