"""What is kept of each row until its label comes: groups, decision and score, a few bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.metrics import SCALE
from sidelight_detectors.bias.side_table import Codes

UNKNOWN = 255
"""The decision of a row whose answer says none."""

_SCORE = np.dtype("<i4")
_NO_SCORE = -1


@dataclass(frozen=True, eq=False)
class Decided:
    """Rows as they were decided about.

    Parameters
    ----------
    codes:
        Shape ``(n, attributes)`` uint8: the number of each row's group by each attribute.
    decisions:
        Shape ``(n,)`` uint8: 1 where favourable, 0 where not, `UNKNOWN`; 0 in regression.
    scores:
        Shape ``(n,)``: probability of a favourable truth, or the predicted number's place in its
        range; whole units of 2^-30, -1 where unknown. None where the model tells none.
    """

    codes: Codes
    decisions: NDArray[np.uint8]
    scores: NDArray[np.int64] | None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows of which a decision is known."""
        return np.asarray(self.decisions != UNKNOWN, bool)

    def packed(self) -> NDArray[np.uint8]:
        """Shape ``(n, attributes + 1)``, four wider with scores."""
        parts = [self.codes, self.decisions[:, None]]
        if self.scores is not None:
            parts.append(self.scores.astype(_SCORE)[:, None].view(np.uint8))
        return np.concatenate(parts, axis=1)


def unpacked(trail: NDArray[np.uint8], attributes: int) -> Decided:
    """What `Decided.packed` gave."""
    scores = None
    if trail.shape[1] > attributes + 1:
        ends = np.ascontiguousarray(trail[:, attributes + 1 :])
        scores = ends.view(_SCORE)[:, 0].astype(np.int64)
    return Decided(trail[:, :attributes], trail[:, attributes], scores)


def fixed(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers in [0, 1] in units of 2^-30, others clipped; -1 for NaN."""
    units = np.rint(np.clip(values, 0, 1) * SCALE)
    return np.where(np.isnan(values), _NO_SCORE, units).astype(np.int64)
