"""Where things with a key stand: added a batch at a time, looked up a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Places = NDArray[np.int64]

SHARED = 16
"""Things of one id that are found in each sorted run, the last: who gives one id to more things
than this does not tell them apart by it, and must not make a look-up long."""


MOST_UNSORTED = 1024
"""Batches that may wait to be sorted."""


class Index:
    """Sorted runs, merged so that there are few: each is at least twice as long as the next.

    A key may have several places. Nothing is sorted before it is looked for, so many batches that
    are added one after the other cost one sort.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, Places]] = []
        self._unsorted: list[tuple[Keys, Places]] = []

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in [*self._runs, *self._unsorted])

    @property
    def bytes(self) -> int:
        held = [*self._runs, *self._unsorted]
        return sum(keys.nbytes + places.nbytes for keys, places in held)

    def add(self, keys: Keys, places: Places) -> None:
        if len(keys):
            self._unsorted.append((keys, places))
        if len(self._unsorted) >= MOST_UNSORTED:
            self._sort()

    def find(self, keys: Keys, most: NDArray[np.int64]) -> tuple[NDArray[np.intp], Places]:
        """Pairs of a place in `keys` and one that is known for that key; in no order.

        Of each sorted run at most so many for each key.
        """
        self._sort()
        asked = _roughly_ordered(keys)
        ordered, most = keys[asked], most[asked]
        found = [_found(ordered, most, *run) for run in self._runs]
        if not found:
            return np.zeros(0, np.intp), np.zeros(0, np.int64)
        queries, places = (np.concatenate(part) for part in zip(*found, strict=True))
        return asked[queries], places

    def keep(self, is_kept: Callable[[Places], NDArray[np.bool_]]) -> None:
        """Forget all other places."""
        self._sort()
        masked = [(keys, places, is_kept(places)) for keys, places in self._runs]
        kept = [(keys[mask], places[mask]) for keys, places, mask in masked]
        self._runs = [run for run in kept if len(run[0])]

    def _sort(self) -> None:
        if not self._unsorted:
            return
        new, self._unsorted = self._unsorted, []
        while self._runs and len(self._runs[-1][0]) < 2 * sum(len(keys) for keys, _ in new):
            new.insert(0, self._runs.pop())
        keys, places = (np.concatenate(part) for part in zip(*new, strict=True))
        order = _order(keys)
        self._runs.append((keys[order], places[order]))


def _order(keys: Keys) -> NDArray[np.intp]:
    """As a stable sort, in a fraction of its time where hardly any keys are alike."""
    order = _roughly_ordered(keys)
    ordered = keys[order]
    wrong = np.flatnonzero(ordered[1:] < ordered[:-1])
    order[wrong], order[wrong + 1] = order[wrong + 1], order[wrong]
    ordered = keys[order]
    is_sorted = bool((ordered[1:] >= ordered[:-1]).all())
    return order if is_sorted else np.argsort(keys, kind="stable")


def _roughly_ordered(keys: Keys) -> NDArray[np.intp]:
    """Ordered by their upper bits: the lower ones have the place of each key instead, so that
    whole numbers are sorted, which processors are good at."""
    bits = np.uint64(len(keys).bit_length())
    both = ((keys >> bits) << bits) | np.arange(len(keys), dtype=np.uint64)
    both.sort()
    return (both & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.intp)


def _found(
    ordered: Keys, most: NDArray[np.int64], keys: Keys, places: Places
) -> tuple[NDArray[np.intp], Places]:
    begins = np.searchsorted(keys, ordered)
    queries = np.flatnonzero(keys[np.minimum(begins, len(keys) - 1)] == ordered)
    ends = begins[queries] + 1
    several = np.flatnonzero(keys[np.minimum(ends, len(keys) - 1)] == ordered[queries])
    ends[several] = np.searchsorted(keys, ordered[queries[several]], side="right")
    counts = np.minimum(ends - begins[queries], most[queries])
    # So many places before each end, one after the other.
    back = np.repeat(np.cumsum(counts) - ends, counts)
    return np.repeat(queries, counts), places[np.arange(len(back)) - back]
