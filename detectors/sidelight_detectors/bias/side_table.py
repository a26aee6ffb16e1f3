"""Groups of people by id, where no request says them. Ids are kept as hashes only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column
from sidelight_detectors.cells import elements_of
from sidelight_detectors.texts import texts_of

Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SideTable:
    """Which group each id belongs to.

    Parameters
    ----------
    keys:
        Shape ``(n,)`` uint64, ascending: hashes of the ids' texts.
    codes:
        Shape ``(n,)``: the number of the group of each.
    """

    keys: NDArray[np.uint64]
    codes: Codes

    def look_up(self, ids: Column, unknown: int) -> Codes:
        """The group of each id; `unknown` where the id is null or not in the table."""
        values, valid = elements_of(ids)
        hashes = hashes_of(texts_of(values))
        places = np.minimum(np.searchsorted(self.keys, hashes), len(self.keys) - 1)
        found = self.keys[places] == hashes
        if valid is not None:
            found &= valid
        return np.where(found, self.codes[places], np.uint8(unknown)).astype(np.uint8)


def side_table(ids: Column, codes: Codes) -> SideTable:
    """`DataMismatch` when it is empty or an id stands in it twice."""
    values, _ = elements_of(ids)
    hashes = hashes_of(texts_of(values))
    if not len(hashes):
        raise DataMismatch(f"the table has no rows; give it one for each {ids.name!r}")
    order = np.argsort(hashes, kind="stable")
    twice = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if len(twice):
        raise DataMismatch(
            f"{ids.name!r} has a value twice, in rows {order[twice[0]]} and {order[twice[0] + 1]}; "
            "an id belongs to one group"
        )
    return SideTable(hashes[order], codes[order])


def hashes_of(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Of 64 bits each: among a million ids two are taken for one with chance 3e-8."""
    digests = b"".join(_digest(text) for text in texts)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
