"""Where things with a key stand: added a batch at a time, looked up a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Places = NDArray[np.int64]

SHARED = 16
"""Places of one key that are found in each sorted run: who gives one id to more things than this
does not tell them apart by it, and must not make a look-up long."""


class Index:
    """Sorted runs, merged so that there are few: each is at least twice as long as the next.

    A key may have several places.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, Places]] = []

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    @property
    def bytes(self) -> int:
        return sum(keys.nbytes + places.nbytes for keys, places in self._runs)

    def add(self, keys: Keys, places: Places) -> None:
        if len(keys):
            self._runs.append(_sorted(keys, places))
            while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
                (first, at), (second, then) = self._runs.pop(-2), self._runs.pop()
                joined = np.concatenate([first, second]), np.concatenate([at, then])
                self._runs.append(_sorted(*joined))

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], Places]:
        """Pairs of a place in `keys` and one that is known for that key; in no order."""
        asked = np.argsort(keys)
        ordered = keys[asked]
        found = [pair for run in self._runs for pair in _found(ordered, *run)]
        if not found:
            return np.zeros(0, np.intp), np.zeros(0, np.int64)
        queries, places = (np.concatenate(part) for part in zip(*found, strict=True))
        return asked[queries], places

    def keep(self, is_kept: Callable[[Places], NDArray[np.bool_]]) -> None:
        """Forget all other places."""
        masked = [(keys, places, is_kept(places)) for keys, places in self._runs]
        kept = [(keys[mask], places[mask]) for keys, places, mask in masked]
        self._runs = [run for run in kept if len(run[0])]


def _sorted(keys: Keys, places: Places) -> tuple[Keys, Places]:
    # Stable sorting is a merge where there are two sorted halves.
    order = np.argsort(keys, kind="stable")
    return keys[order], places[order]


def _found(ordered: Keys, keys: Keys, places: Places) -> list[tuple[NDArray[np.intp], Places]]:
    at = np.searchsorted(keys, ordered)
    queries = np.arange(len(ordered))
    pairs = []
    for _ in range(SHARED):
        inside = at < len(keys)
        queries, at = queries[inside], at[inside]
        same = keys[at] == ordered[queries]
        queries, at = queries[same], at[same]
        if not len(queries):
            break
        pairs.append((queries, places[at]))
        at = at + 1
    return pairs
