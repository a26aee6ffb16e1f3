"""Fingerprints as the few bytes of each row that panes carry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.contract import Prints

IDENTITY = 8
"""Bytes of an identity; two more for each table."""


def trail_of(prints: Prints) -> NDArray[np.uint8]:
    """Shape ``(n, 8 + 2 * tables)``, little-endian."""
    identity = np.ascontiguousarray(prints.identity, "<u8")[:, None].view(np.uint8)
    places = np.ascontiguousarray(prints.places, "<u2").view(np.uint8)
    return np.concatenate([identity, places], axis=1)


def prints_of(trail: NDArray[np.uint8]) -> Prints:
    identity = np.ascontiguousarray(trail[:, :IDENTITY]).view("<u8")[:, 0]
    return Prints(identity, np.ascontiguousarray(trail[:, IDENTITY:]).view("<u2"))
