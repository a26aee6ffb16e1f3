"""Whole numbers to places, many rows at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.hashing import Hashes, words


def factors(seed: int, count: int) -> Hashes:
    """Random odd words, always the same for a seed."""
    return words(seed, count) | np.uint64(1)


def exact_factors(seed: int, count: int, largest: int) -> NDArray[np.float64]:
    """Random whole numbers whose products with `count` numbers of 0 to `largest` sum exactly.

    A matrix product of such numbers is the same to the last bit in whatever order it is summed.
    """
    spare = np.uint64(64 - 53 + (count * largest).bit_length())
    return (words(seed, count) >> spare).astype(np.float64)


def narrow_factors(seed: int, count: int) -> NDArray[np.uint32]:
    """As `factors`, in 32 bits: processors multiply many of them at once."""
    return factors(seed, count).astype(np.uint32)


def summed(codes: NDArray[Any], seed: int) -> Hashes:
    """A hash for each ``codes[..., :]`` of whole numbers, yet to be mixed.

    The sum of their products with random odd words (Dietzfelbinger et al., J. Algorithms 1997).
    """
    whole = codes.astype(np.int64).view(np.uint64)
    return np.asarray((whole * factors(seed, whole.shape[-1])).sum(axis=-1, dtype=np.uint64))


def identities(rows: Iterable[bytes]) -> Hashes:
    """A hash of each row's bytes that nobody can aim at."""
    digests = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
