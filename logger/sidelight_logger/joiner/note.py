"""A fold's state as the note of a commit: which records are held and how, not their content.

    note = u32 length of the head, head (JSON), states (zlib)

`states` has a byte for each offset from `first` on; whoever goes on reads those records again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

import orjson

from sidelight.events.halves import Half, recognised
from sidelight.log.contract import Stored
from sidelight_logger.joiner.fold import Fold
from sidelight_logger.joiner.identity import Account, Terms, digest_of
from sidelight_logger.joiner.memory import Held
from sidelight_logger.joiner.origin import Origins

FORMAT = 2
"""Raised whenever what is held, or what follows from it, changes its meaning."""

_LENGTH = struct.Struct("<I")
_GONE, _KNOWN, _WAITING, _DISPUTED = range(4)


def note_of(fold: Fold) -> bytes:
    """The state of the fold."""
    oldest = fold.memory.oldest
    first = oldest.offset if oldest else 0
    head = {
        "format": FORMAT,
        "begun": fold.account.begun,
        "terms": astuple(fold.account.terms),
        "sequence": fold.sequence,
        "clock": fold.clock_ns,
        "origins": fold.origins.saved(),
        "first": first,
        "since": oldest.time_ns if oldest else fold.clock_ns,
    }
    told = orjson.dumps(head)
    return _LENGTH.pack(len(told)) + told + zlib.compress(_states(fold, first), level=1)


def _states(fold: Fold, first: int) -> bytes:
    states = bytearray()
    for held in fold.memory:
        states.extend(bytes(held.offset - first - len(states)))
        states.append(_state(fold, held))
    return bytes(states)


def _state(fold: Fold, held: Held) -> int:
    if fold.memory.waiting_for(held.key) is not held:
        return _KNOWN
    return _DISPUTED if held.is_disputed else _WAITING


class Snapshot:
    """What a note says. `first` and `end` bound the records that `restored` is to be given."""

    def __init__(self, note: bytes) -> None:
        (length,) = _LENGTH.unpack_from(note)
        self._head: dict[str, Any] = orjson.loads(note[4 : 4 + length])
        self._states = zlib.decompress(note[4 + length :])
        self.first: int = self._head["first"]
        self.end = self.first + len(self._states)

    @property
    def format(self) -> int:
        """`FORMAT`, unless another release wrote it."""
        return int(self._head["format"])

    def restored(self, log_id: str, partition: int, found: Iterable[Stored]) -> Fold:
        """The fold as it was; records that are gone by now are counted as "retired"."""
        head = self._head
        fold = Fold(Account(log_id, partition, head["begun"], Terms(*head["terms"])))
        fold.clock_ns = head["since"]
        missing = sum(state == _WAITING for state in self._states)
        for stored in found:
            fold.clock_ns = max(fold.clock_ns, stored.appended_ns)
            state = self._states[stored.address.offset - self.first]
            missing -= state == _WAITING
            if state != _GONE:
                _hold(fold, stored, state)
        fold.sequence, fold.clock_ns = head["sequence"], head["clock"]
        fold.origins = Origins(head["origins"])
        fold.counts["retired"] += missing
        return fold


def _hold(fold: Fold, stored: Stored, state: int) -> None:
    found = recognised(stored.record)
    key = found.pair_key if isinstance(found, Half) else ()
    held = Held(stored.address.offset, fold.clock_ns, key)
    fold.memory.know(digest_of(found, stored.record), held)
    if state == _DISPUTED:
        fold.memory.dispute(held)
    elif state == _WAITING and isinstance(found, Half):
        fold.memory.wait(held, found)
