"""Principal components of a tensor's elements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.encoders.linear import Linear
from sidelight_detectors.encoders.principal import principal_projection


def fit_pca(rows: NDArray[np.float32], components: int) -> Linear:
    """How far a row lies along each direction in which the reference varies most.

    Sees: changes along these directions, as another lighting, blur or other content makes.
    Misses: what the reference never did, orthogonal to all of them.

    Parameters
    ----------
    rows:
        Shape ``(n, d)``, of the reference.
    components:
        Features at most; fewer when the rows vary in fewer directions.

    Raises
    ------
    DataMismatch
        The rows do not vary.
    """
    return Linear("pca", principal_projection(rows, components))
