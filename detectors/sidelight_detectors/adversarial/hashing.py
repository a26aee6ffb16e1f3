"""Hashes of whole numbers: the same on every machine, and fast for many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_STEP, _FIRST, _SECOND = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def mixed(numbers: Hashes) -> Hashes:
    """Every bit depends on every bit (the finaliser of SplitMix64: Steele et al., OOPSLA 2014)."""
    found = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    found = (found ^ (found >> np.uint64(27))) * _SECOND
    return found ^ (found >> np.uint64(31))


def joined(hashes: Hashes, more: Hashes) -> Hashes:
    """The hash of a sequence that goes on; depends on the order."""
    return mixed(hashes * _STEP + more + _STEP)


def words(seed: int, count: int) -> Hashes:
    """Random words, always the same for a seed."""
    start = np.full(1, seed, np.uint64) * _FIRST
    return mixed(start + np.arange(1, count + 1, dtype=np.uint64) * _STEP)


def place_of(hashes: Hashes) -> NDArray[np.uint16]:
    """The place in a table that a hash stands for."""
    return (mixed(hashes) >> np.uint64(48)).astype(np.uint16)
