"""What a kind of input gives, so that queries which lie near each other are found in a stream.

A row becomes an *identity* and a *place* in each of some tables. Rows of equal identity are one
query sent again (a retry, a batch scored twice). Rows that differ a little mostly share places in
several tables, rows that differ much mostly share none; how often ordinary rows share a place by
chance is counted on the reference, table by table and place by place, so a place may well be
crowded: it then proves nothing, and nothing has to be tuned for that.

A table looks at a part or a projection of the row, cut coarsely (some features and not others, a
region of an image, the smallest hash of a text's shingles). Tables should differ in what they look
at and in how fine they cut: coarse ones catch wide steps when an attack comes alone, fine ones
catch small steps in the midst of much other traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Packed
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

PLACES = 1 << 16
"""Places of a table: a place is a hash of what the table looks at, in 16 bits."""


@dataclass(frozen=True, eq=False)
class Prints:
    """Fingerprints of n rows.

    Parameters
    ----------
    identity:
        Shape ``(n,)`` uint64: equal for equal inputs, else different but for chance.
    places:
        Shape ``(n, tables)`` uint16: the place of each row in each table.
    """

    identity: NDArray[np.uint64]
    places: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.identity)


class Fingerprint(Protocol):
    """A kind of input, fitted. Frozen; safe to share by threads; no I/O.

    A row's print depends on that row alone (not on its batch), and is the same in every process.
    """

    @property
    def modality(self) -> str:
        """Its name in `modalities.MODALITIES`."""
        ...

    @property
    def tables(self) -> int:
        """How many places a row has; 8 to 32 do. Each costs two bytes of every row."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns it takes from `Indexed.sent`; none when the cells are all it needs."""
        ...

    def prints(self, rows: Indexed) -> Prints: ...

    def pack(self) -> Packed: ...


@dataclass(frozen=True)
class Modality:
    """Which kinds of features share a fingerprint, how it is fitted and read back.

    `unpack` raises `KeyError`, `ValueError` or `TypeError` on what `pack` did not give.
    """

    kinds: frozenset[str]
    fit: Callable[[Reference], Fingerprint]
    unpack: Callable[[Packed], Fingerprint]
