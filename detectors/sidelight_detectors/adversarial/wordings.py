"""Fingerprints of texts: the smallest hashes of their words and of their pairs of words.

Two texts share a place of words as often as they share words, of all that either has (Broder, "On
the resemblance and containment of documents", 1997). A search that exchanges, drops or misspells a
few words shares most; texts that share a place by a common word prove nothing: it is crowded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sidelight.errors import DataMismatch
from sidelight_detectors.adversarial.codes import identities
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.hashing import Hashes, joined, mixed, place_of, words
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.text_form import TextForm
from sidelight_detectors.encoders.words import hash_of, words_of
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

WORDS, PAIRS = 10, 6
"""Tables of single words and of pairs of them."""


@dataclass(frozen=True, eq=False)
class Wordings:
    """The columns of a model that are texts."""

    names: tuple[str, ...]

    @property
    def modality(self) -> str:
        return "text"

    @property
    def tables(self) -> int:
        return (WORDS + PAIRS) * len(self.names)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.names

    def prints(self, rows: Indexed) -> Prints:
        """Raises `DataMismatch` when a column was not sent."""
        found = [self._column(rows, name) for name in self.names]
        identity = reduce(joined, [one.identity for one in found])
        return Prints(identity, np.hstack([one.places for one in found]))

    def _column(self, rows: Indexed, name: str) -> Prints:
        column = rows.sent(name)
        if column is None:
            raise DataMismatch(f"column {name!r} is missing; send the texts")
        texts, _ = TextForm(name).read(column)
        same = identities(text.encode("utf-8", "surrogatepass") for text in texts)
        said = [list(map(hash_of, words_of(text))) for text in texts]
        single, double = self._seeds
        smallest = [_smallest(said, _singles, single), _smallest(said, _doubles, double)]
        return Prints(same, place_of(np.hstack(smallest)))

    @cached_property
    def _seeds(self) -> tuple[Hashes, Hashes]:
        return words(WORDS, WORDS), words(WORDS + PAIRS, PAIRS)

    def pack(self) -> Packed:
        return Packed({"names": self.names})


def _smallest(
    said: Sequence[list[int]], shingles: Callable[[list[int]], list[int]], seeds: Hashes
) -> Hashes:
    """The smallest hash of each text's shingles by each seed, ``(n, seeds)``."""
    found = [shingles(one) for one in said]
    ends = np.cumsum([len(one) for one in found])
    every = mixed(np.array([code for one in found for code in one], np.uint64))
    by_seed = mixed(every[:, None] ^ seeds)
    starts = np.append(0, ends[:-1]).astype(np.int64)
    return np.asarray(np.minimum.reduceat(by_seed, starts, axis=0), np.uint64)


def _singles(said: list[int]) -> list[int]:
    return said or [0]


def _doubles(said: list[int]) -> list[int]:
    return [first << 32 | second for first, second in pairwise(said)] or _singles(said)


def fit_wordings(reference: Reference) -> Wordings:
    """Of the features that are texts; nothing is learned."""
    features = reference.model.features.items()
    return Wordings(tuple(name for name, feature in features if feature.kind == "text"))


def unpack_wordings(packed: Packed) -> Wordings:
    return Wordings(tuple(map(str, packed.header["names"])))
