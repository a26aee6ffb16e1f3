"""Sums of a tensor's elements under random signs.

Achlioptas: "Database-friendly random projections", Journal of Computer and System Sciences 66,
2003: signs keep distances as normal weights do. Rabanser, Günnemann, Lipton: "Failing Loudly",
NeurIPS 2019, compare it with PCA and trained encoders as a first step of drift tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.encoders.fixed_point import fixed_point_for
from sidelight_detectors.encoders.linear import Linear
from sidelight_detectors.encoders.projection import Projection, require_narrow


def fit_random_projection(rows: NDArray[np.float32], components: int, seed: int) -> Linear:
    """Untrained: no direction is preferred, so none is overlooked by choice.

    Sees: changes of many elements at once, in any direction, diluted by all that varies anyway.
    Misses: small changes, which principal components of the reference often show better.

    Parameters
    ----------
    rows:
        Shape ``(n, d)``, of the reference; only their range is learned.
    """
    elements = rows.shape[1]
    require_narrow(elements)
    # RandomState's stream is frozen by numpy's policy; Generator's may change with a release.
    signs = np.random.RandomState(seed).randint(0, 2, (elements, components), np.int8)
    weights = (2 * signs - 1).astype(np.int16)
    fixed = fixed_point_for(rows)
    # About 1 / sqrt(d), so that a feature is of an element's size; a power of two stays exact.
    scale = np.full(components, fixed.unit / 2.0 ** round(np.log2(elements) / 2))
    return Linear("projection", Projection(fixed, np.zeros(elements, np.int64), weights, scale))
