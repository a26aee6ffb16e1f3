"""Places by parts of a picture: quarters that were left alone, and patches found anywhere.

A search that changes one spot at a time (Square, SimBA) leaves whole quarters as they were. One
that shifts or turns the picture between queries leaves small patches as they were, elsewhere: the
smallest hash of all patches is the same for two pictures with a chance that is the share of patches
they have in common (Broder 1997; of attacks: Li et al., "Blacklight", USENIX Security 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.codes import exact_factors, narrow_factors
from sidelight_detectors.adversarial.hashing import place_of
from sidelight_detectors.adversarial.pooling import Units

Narrow = NDArray[np.uint32]

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
        share /= max(1, self.high - self.low)
        np.floor(share, out=share)
        return np.clip(share, 0, levels - 1, out=share)


def quarters(pictures: Units, levels: int) -> NDArray[np.uint16]:
    """Shape ``(n, 4)``: a place for each quarter of pictures of so many levels.

    An embedding is one element high: its upper quarters are empty, and all share their place.
    """
    factors = _quartered(*pictures.shape[1:], levels)
    return place_of((pictures.reshape(len(pictures), -1) @ factors).astype(np.uint64))


@cache
def _quartered(high: int, wide: int, channels: int, levels: int) -> Units:
    """Random factors of the elements of each quarter, and 0 of the others."""
    size = high * wide * channels
    drawn = exact_factors(23, size, levels).reshape(high, wide, channels)
    found = np.zeros((high, wide, channels, 4))
    halves = [(slice(0, side // 2), slice(side // 2, None)) for side in (high, wide)]
    for quarter, (rows, columns) in enumerate(product(*halves)):
        found[rows, columns, :, quarter] = drawn[rows, columns]
    return found.reshape(size, 4)


def smallest_patches(levels: Units, tables: int) -> NDArray[np.uint16]:
    """Shape ``(n, tables)``: of each table's hashes of all patches the smallest, but for blanks."""
    hashes = _patches(levels)
    last = np.where(hashes == 0, np.uint32(0xFFFFFFFF), np.uint32(0))
    hashes = _stirred(hashes)
    drawn = [(hashes * factor | last).min(axis=1) for factor in narrow_factors(31, tables)]
    return place_of(np.stack(drawn, axis=1).astype(np.uint64))


def _patches(levels: Units) -> Narrow:
    """A hash of every patch ``(n, patches)``; 0 of one without any light."""
    hashes = levels.astype(np.uint32)
    _, high, wide, channels = hashes.shape
    for axis, size in ((3, channels), (1, min(PATCH, high)), (2, min(PATCH, wide))):
        hashes = _slid(hashes, axis, narrow_factors(29 + axis, size))
    return hashes.reshape(len(levels), -1)


def _slid(numbers: Narrow, axis: int, factors: Narrow) -> Narrow:
    """At each step along the axis the sum of products with all factors."""
    steps = numbers.shape[axis] - len(factors) + 1
    found = np.zeros((), np.uint32)
    for first, factor in enumerate(factors):
        found = found + numbers[(*[slice(None)] * axis, slice(first, first + steps))] * factor
    return np.asarray(found)


def _stirred(numbers: Narrow) -> Narrow:
    """Every bit depends on every bit (the finaliser of MurmurHash3: Appleby, public domain)."""
    found = (numbers ^ (numbers >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    found = (found ^ (found >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return np.asarray(found ^ (found >> np.uint32(16)))
