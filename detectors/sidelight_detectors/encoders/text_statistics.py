"""Length, words, shares of kinds of characters and of unknown words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.characters import KINDS, SCRIPTS, kind_of
from sidelight_detectors.encoders.contract import Features
from sidelight_detectors.encoders.words import hash_of, words_of

MAX_VOCABULARY = 1 << 18
"""Words remembered of the reference, the commonest; the others count as unknown."""
_SHARES = ("digits", "punctuation", "nonprintable")


@dataclass(frozen=True, eq=False)
class TextStatistics:
    """What a text looks like.

    ``length`` (characters), ``words``, ``unknown`` (share of words that the reference's vocabulary
    does not have), shares of characters (``digits``, ``punctuation`` with symbols, ``nonprintable``
    with control characters), and of letters by script. A share of nothing is 0.

    Sees: truncation, another language or domain, broken encodings, machine noise. Misses: other
    things said in the same words.

    Parameters
    ----------
    vocabulary:
        Shape ``(words,)`` uint32, ascending: `hash_of` of each known word.
    """

    vocabulary: NDArray[np.uint32]

    @property
    def names(self) -> tuple[str, ...]:
        return ("length", "words", "unknown", *_SHARES, *SCRIPTS)

    def encode(self, rows: Sequence[str]) -> Features:
        lengths, kinds = np.array([*map(len, rows)], np.int64), _kinds(rows)
        letters = kinds[:, : len(SCRIPTS)].sum(axis=1)
        words, unknown = self._words(rows)
        signs = [_share(kinds[:, KINDS.index(kind)], lengths) for kind in _SHARES]
        scripts = [_share(kinds[:, place], letters) for place in range(len(SCRIPTS))]
        columns = [lengths, words, _share(unknown, words), *signs, *scripts]
        return np.stack([column.astype(np.float64) for column in columns], axis=1)

    def pack(self) -> Packed:
        return Packed({}, {"vocabulary": self.vocabulary})

    def _words(self, rows: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Words of each text, and how many of them are unknown."""
        counts = [
            (len(words), sum(hash_of(word) not in self._known for word in words))
            for words in map(words_of, rows)
        ]
        both = np.array(counts, np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.vocabulary.tolist())


def _kinds(rows: Sequence[str]) -> NDArray[np.int64]:
    """Shape ``(n, kinds)``: characters of each kind in each text."""
    # A lone surrogate of JSON has no UTF-32 and is a character all the same.
    joined = "".join(rows).encode("utf-32-le", "surrogatepass")
    codes, places = np.unique(np.frombuffer(joined, np.uint32), return_inverse=True)
    kinds = np.fromiter(map(kind_of, codes.tolist()), np.int64, len(codes))[places.ravel()]
    row = np.repeat(np.arange(len(rows)), [*map(len, rows)])
    size = len(rows) * len(KINDS)
    return np.bincount(row * len(KINDS) + kinds, minlength=size).reshape(-1, len(KINDS))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return part / np.maximum(whole, 1)


def fit_text_statistics(rows: Sequence[str]) -> TextStatistics:
    """On reference texts, whose words are from then on known."""
    hashes = np.fromiter(_hashes(rows), np.uint32)
    found, counts = np.unique(hashes, return_counts=True)
    commonest = np.lexsort((found, -counts))[:MAX_VOCABULARY]
    return TextStatistics(np.sort(found[commonest]))


def _hashes(rows: Sequence[str]) -> Iterator[int]:
    return (hash_of(word) for text in rows for word in words_of(text))


def unpack_text_statistics(packed: Packed) -> TextStatistics:
    vocabulary = packed.arrays["vocabulary"]
    if vocabulary.dtype != np.uint32 or (np.diff(vocabulary.astype(np.int64)) <= 0).any():
        raise ValueError("its vocabulary is not a set of hashes")
    return TextStatistics(vocabulary)
