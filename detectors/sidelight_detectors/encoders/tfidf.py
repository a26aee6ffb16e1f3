"""Words hashed into buckets, weighed by rarity, reduced to principal directions.

Deerwester, Dumais, Furnas, Landauer, Harshman: "Indexing by Latent Semantic Analysis", JASIS 41,
1990; Weinberger, Dasgupta, Langford, Smola, Attenberg: "Feature Hashing for Large Scale Multitask
Learning", ICML 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from sidelight.errors import DataMismatch
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.contract import Features
from sidelight_detectors.encoders.fixed_point import FixedPoint
from sidelight_detectors.encoders.projection import projection_onto, require_dtypes
from sidelight_detectors.encoders.words import hash_of, words_of

MOST_REPEATS = 255
"""A word counts so often in one text at most."""
RARITY_UNIT = 256
"""Rarities are whole numbers of 1/RARITY_UNIT: what is summed below stays exact in float64."""


@dataclass(frozen=True, eq=False)
class Tfidf:
    """Where a text stands among the topics of the reference, whatever its length.

    A text is the vector of its words' counts times their rarity, of length 1, projected. Sees:
    other topics, another style or language. Misses: the order of words; topics that the reference
    does not know, which `TextStatistics` sees as unknown words; languages without spaces.

    Parameters
    ----------
    rarity:
        Shape ``(buckets,)`` int64 in 1/`RARITY_UNIT`: 1 + log((1 + n) / (1 + texts with it)).
    weights:
        Shape ``(buckets, k)`` int16.
    scale:
        Shape ``(k,)``, powers of two: what one unit of weight stands for.
    """

    rarity: NDArray[np.int64]
    weights: NDArray[np.int16]
    scale: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"tfidf{number}" for number in range(len(self.scale)))

    def encode(self, rows: Sequence[str]) -> Features:
        """A text without words is at 0."""
        counts = counted(rows, len(self.rarity))
        counts.data *= self.rarity[counts.indices]
        # Both sums are of whole numbers below 2**53; quotient and root are rounded once, alike.
        lengths = np.sqrt(np.maximum(counts.power(2).sum(axis=1), 1.0))
        sums: NDArray[np.float64] = counts @ self._wide
        features: Features = sums / lengths[:, None] * self.scale
        return features

    @cached_property
    def _wide(self) -> NDArray[np.float64]:
        return self.weights.astype(np.float64)

    def pack(self) -> Packed:
        arrays: dict[str, NDArray[Any]] = {
            "rarity": self.rarity,
            "weights": self.weights,
            "scale": self.scale,
        }
        return Packed({}, arrays)


def counted(texts: Sequence[str], buckets: int) -> Any:
    """Sparse ``(n, buckets)`` float64: how often each bucket's words occur in each text."""
    places = [[hash_of(word) % buckets for word in words_of(text)] for text in texts]
    ends = np.cumsum([0, *map(len, places)])
    indices = np.fromiter(chain.from_iterable(places), np.int64, int(ends[-1]))
    counts = csr_array((np.ones(len(indices)), indices, ends), shape=(len(texts), buckets))
    counts.sum_duplicates()
    np.minimum(counts.data, MOST_REPEATS, out=counts.data)
    return counts


def fit_tfidf(rows: Sequence[str], components: int, buckets: int) -> Tfidf:
    """On reference texts; `DataMismatch` when they hold too few different words."""
    counts = counted(rows, buckets)
    containing = np.bincount(counts.indices, minlength=buckets)
    rarity = np.rint((1 + np.log((1 + len(rows)) / (1 + containing))) * RARITY_UNIT)
    counts.data *= rarity[counts.indices]
    lengths = np.sqrt(np.maximum(counts.power(2).sum(axis=1), 1.0))
    counts.data /= np.repeat(lengths, np.diff(counts.indptr))
    directions = _directions(
        counts, min(components, len(rows) - 1, int((containing > 0).sum()) - 1)
    )
    onto = projection_onto(directions, FixedPoint(1.0), np.zeros(buckets, np.int64))
    return Tfidf(rarity.astype(np.int64), onto.weights, onto.scale)


def _directions(texts: Any, components: int) -> NDArray[np.float64]:
    if components < 1:
        raise DataMismatch("its texts in the reference hold too few different words")
    start = np.ones(min(texts.shape))
    _, strengths, directions = svds(texts, components, v0=start)
    kept = np.flatnonzero(strengths > 1e-6 * strengths.max())[::-1]
    found: NDArray[np.float64] = directions[kept].T
    return found


def unpack_tfidf(packed: Packed) -> Tfidf:
    rarity, weights, scale = (packed.arrays[name] for name in ("rarity", "weights", "scale"))
    require_dtypes({"rarity": np.int64, "weights": np.int16, "scale": np.float64}, packed.arrays)
    if weights.shape != (*rarity.shape, *scale.shape):
        raise ValueError("its rarity, weights and scale do not belong together")
    return Tfidf(rarity, weights, scale)
