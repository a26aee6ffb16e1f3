"""Setting reference rows aside, so that what is chosen on some is judged on others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def held_out(rows: int, share: float) -> NDArray[np.bool_]:
    """A mask ``(rows,)`` of a random share of the rows, the same in every process."""
    mask = np.zeros(rows, bool)
    mask[shuffled(rows)[: round(rows * share)]] = True
    return mask


def shuffled(rows: int) -> NDArray[np.int64]:
    """The numbers below `rows` in a random order, the same in every process."""
    # RandomState's stream is frozen by numpy's policy; Generator's may change with a release.
    return np.random.RandomState(0).permutation(rows).astype(np.int64, copy=False)
