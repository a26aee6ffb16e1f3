"""Places by parts of a picture: quarters that were left alone, and patches found anywhere.

A search that changes one spot at a time (Square, SimBA) leaves whole quarters as they were. One
that shifts or turns the picture between queries leaves small patches as they were, elsewhere: the
smallest hash of all patches is the same for two pictures with a chance that is the share of patches
they have in common (Broder 1997; of attacks: Li et al., "Blacklight", USENIX Security 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.codes import factors, summed
from sidelight_detectors.adversarial.hashing import Hashes, mixed, place_of
from sidelight_detectors.adversarial.pooling import Units

PATCH = 4
"""Elements high and wide of a patch."""


@dataclass(frozen=True)
class Levels:
    """Elements cut into so many levels between the ends of the reference's range."""

    low: int
    high: int

    def of(self, pictures: Units, levels: int) -> Units:
        """0 to `levels` - 1."""
        share = (pictures - self.low) * levels
        return np.clip(np.floor_divide(share, max(1, self.high - self.low)), 0, levels - 1)


def quarters(levels: Units) -> NDArray[np.uint16]:
    """Shape ``(n, 4)``: a place for each quarter of pictures ``(n, height, width, channels)``."""
    _, high, wide, _ = levels.shape
    halves = [(slice(0, size // 2), slice(size // 2, None)) for size in (high, wide)]
    parts = [levels[:, rows, columns] for rows, columns in product(*halves)]
    # An embedding is one element high: its upper quarters are empty, and all share their place.
    found = [summed(part.reshape(len(levels), -1), seed) for seed, part in enumerate(parts, 1)]
    return place_of(np.stack(found, axis=1))


def smallest_patches(levels: Units, tables: int) -> NDArray[np.uint16]:
    """Shape ``(n, tables)``: of each table's hashes of all patches the smallest, but for blanks."""
    hashes = _patches(levels)
    blank = hashes == 0
    hashes = mixed(hashes)
    found = np.empty((len(levels), tables), np.uint64)
    for table, factor in enumerate(factors(31, tables)):
        drawn = mixed(hashes * factor)
        drawn[blank] = np.iinfo(np.uint64).max
        found[:, table] = drawn.min(axis=1)
    return place_of(found)


def _patches(levels: Units) -> Hashes:
    """A hash of every patch ``(n, patches)``; 0 of one without any light."""
    whole = levels.astype(np.uint64)
    _, high, wide, channels = whole.shape
    tall, broad = min(PATCH, high), min(PATCH, wide)
    rows, columns = high - tall + 1, wide - broad + 1
    hashes = np.zeros((len(whole), rows, columns), np.uint64)
    offsets = product(range(tall), range(broad), range(channels))
    drawn = factors(29, tall * broad * channels)
    for factor, (row, column, channel) in zip(drawn, offsets, strict=True):
        hashes += whole[:, row : row + rows, column : column + columns, channel] * factor
    return hashes.reshape(len(whole), -1)
