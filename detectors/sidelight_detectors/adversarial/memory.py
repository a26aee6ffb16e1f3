"""The last queries, and how many of them lie in each place.

What is held is a function of the last `2 * limit` queries alone, as long as `clock` is known where
they begin: a query is fresh unless the same one was seen at most `limit` queries and `ttl_ns`
before, and counts for as long. Only which of them an attack was given (they are *spent*) must be
saved, and where the counts begin.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.contract import PLACES, Prints

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SPANS = (1, 8, 64, 512)
"""Counts are kept of all that count, at most a memory full, of the newest 1/8 of so many, and so
on: an attack may be short."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Where n queries stand and who asked; arrays of shape ``(n,)``.

    `version` and `client` hold texts.
    """

    partition: NDArray[np.int32]
    offset: Ints
    row: Ints
    time_ns: Ints
    version: NDArray[np.object_]
    client: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.offset)

    def take(self, rows: slice | Ints | Mask) -> Sightings:
        return Sightings(*(getattr(self, one.name)[rows] for one in fields(self)))


class Memory:
    """Queries by their serial number, from 0 on in the order of the log."""

    def __init__(self, tables: int, limit: int, ttl_ns: int) -> None:
        self._starts = (np.arange(tables) * PLACES).astype(np.int64)
        self._limits = [max(1, limit // part) for part in SPANS]
        self._ttl_ns = ttl_ns
        self._room = limit + max(limit // 2, 1024)
        self._places = np.zeros((self._room, tables), np.uint16)
        self._clock = np.zeros(self._room, np.int64)
        self._counted = np.zeros(self._room, bool)
        self._spent = np.zeros(self._room, bool)
        self._known_spent, self._known_from = np.zeros(0, bool), 0
        self._sightings = _empty(self._room)
        self._last: dict[int, int] = {}
        self._counts = np.zeros((len(SPANS), tables * PLACES), np.int32)
        self._begins = [0] * len(SPANS)
        self.totals = [0] * len(SPANS)
        self.first = 0
        self.end = 0
        self.clock = 0

    def saved(self) -> dict[str, Any]:
        """What does not follow from the queries alone."""
        spent = np.packbits(self._spent[self.begin - self.first : self.end - self.first])
        told = base64.b85encode(zlib.compress(spent.tobytes())).decode()
        return {"begins": list(self._begins), "end": self.end, "spent": told}

    def restore(self, saved: Mapping[str, Any], serial: int, clock: int) -> None:
        """To be told again of all queries from this one on."""
        self.first = self.end = serial
        self.clock = clock
        self._begins = list(saved["begins"])
        packed = np.frombuffer(zlib.decompress(base64.b85decode(saved["spent"])), np.uint8)
        self._known_spent = np.unpackbits(packed, count=saved["end"] - self.begin).astype(bool)
        self._known_from = self.begin

    @property
    def begin(self) -> int:
        """The oldest query that counts."""
        return self._begins[0]

    def append(self, prints: Prints, sightings: Sightings, clock: int) -> Ints:
        """Serial numbers of those that are fresh. They are not counted yet. `clock` never falls."""
        rows = len(prints)
        self._make_room(rows)
        at = slice(self.end - self.first, self.end - self.first + rows)
        self._places[at] = prints.places
        self._clock[at] = clock
        self._counted[at] = False
        self._spent[at] = self._was_spent(np.arange(self.end, self.end + rows))
        for one in fields(Sightings):
            getattr(self._sightings, one.name)[at] = getattr(sightings, one.name)
        self.clock = clock
        serials = range(self.end, self.end + rows)
        is_fresh = self._is_fresh
        fresh = [s for s, one in zip(serials, prints.identity.tolist(), strict=True)
                 if is_fresh(one, s)]  # fmt: skip
        self.end += rows
        return np.array(fresh, np.int64)

    def _is_fresh(self, identity: int, serial: int) -> bool:
        before = self._last.get(identity)
        self._last[identity] = serial
        if before is None or before < self.first or serial - before > self._limits[0]:
            return True
        return bool(self._clock[before - self.first] <= self.clock - self._ttl_ns)

    def _was_spent(self, serials: Ints) -> Mask:
        known = self._known_spent
        at = serials - self._known_from
        found: Mask = (at >= 0) & (at < len(known))
        found[found] = known[at[found]]
        return found

    def count(self, serials: Ints) -> None:
        """These count from now on but for the spent; what has become too old does not any more."""
        serials = serials[~self._spent[serials - self.first]]
        self._counted[serials - self.first] = True
        self._add(serials, 1)
        known = self._clock[: self.end - self.first]
        old = int(np.searchsorted(known, self.clock - self._ttl_ns, side="right"))
        oldest = max(self.end - self._limits[0], self.first + old)
        for span, limit in enumerate(self._limits):
            self._begin(span, self._newest(max(oldest, self._begins[span]), limit))

    def _newest(self, begin: int, limit: int) -> int:
        """Where so many of those that count since `begin` begin, the newest ones."""
        counting = np.flatnonzero(self._counted[begin - self.first : self.end - self.first])
        return begin if len(counting) <= limit else begin + int(counting[-limit])

    def _begin(self, span: int, begin: int) -> None:
        gone = np.arange(self._begins[span], begin)
        self._add_to(span, gone[self._counted[gone - self.first]], -1)
        self._begins[span] = begin

    def spend(self, serials: Ints) -> None:
        """These do not count, now and later: they belong to an attack that is known."""
        counted = serials[self._counted[serials - self.first]]
        self._counted[counted - self.first] = False
        self._add(counted, -1)
        self._spent[serials - self.first] = True

    def _add(self, serials: Ints, sign: int) -> None:
        for span, begin in enumerate(self._begins):
            self._add_to(span, serials[serials >= begin], sign)

    def _add_to(self, span: int, serials: Ints, sign: int) -> None:
        if len(serials):
            np.add.at(self._counts[span], self.flat(serials).ravel(), np.int32(sign))
            self.totals[span] += sign * len(serials)

    def flat(self, serials: Ints) -> Ints:
        """Their places as numbers below tables * PLACES, ``(n, tables)``."""
        return self._places[serials - self.first] + self._starts

    def counts(self, span: int, flat: Ints) -> NDArray[np.int32]:
        """How many lie in each of these places."""
        found: NDArray[np.int32] = self._counts[span][flat]
        return found

    def is_counted(self, serials: Ints) -> Mask:
        return self._counted[serials - self.first]

    def counting(self) -> Ints:
        """Serial numbers of all that count."""
        begin, end = self.begin - self.first, self.end - self.first
        return np.flatnonzero(self._counted[begin:end]) + self.begin

    def counting_in(self, span: int, flat: int) -> Ints:
        """Serial numbers of those that count in one place."""
        table, place = divmod(flat, PLACES)
        begin, end = self._begins[span] - self.first, self.end - self.first
        chosen = self._counted[begin:end] & (self._places[begin:end, table] == place)
        return np.flatnonzero(chosen) + self._begins[span]

    def counted_after(self, span: int, serials: Ints) -> Ints:
        """How many that count came after each of these."""
        begin, end = self._begins[span] - self.first, self.end - self.first
        so_far = np.cumsum(self._counted[begin:end])
        return np.asarray(so_far[-1] - so_far[serials - self._begins[span]], np.int64)

    def sightings(self, serials: Ints) -> Sightings:
        return self._sightings.take(serials - self.first)

    def _make_room(self, rows: int) -> None:
        used = self.end - self.first
        if used + rows <= self._room:
            return
        kept = min(used, self._limits[0])
        gone = used - kept
        arrays = (self._places, self._clock, self._counted, self._spent)
        for array in (*arrays, *(getattr(self._sightings, one.name) for one in fields(Sightings))):
            array[:kept] = array[gone:used].copy()
        self.first += gone
        self._last = {key: at for key, at in self._last.items() if at >= self.first}


def _empty(rows: int) -> Sightings:
    number, text = np.zeros(rows, np.int64), np.full(rows, "", object)
    found = (number.copy(), number.copy(), number, text.copy(), text)
    return Sightings(np.zeros(rows, np.int32), *found)
