"""Which segment of a partition is appended to, and when the next one begins."""

from __future__ import annotations

import fcntl
import os
import time

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError
from sidelight.log.local.damage import Damages
from sidelight.log.local.disk import boot_id
from sidelight.log.local.failures import spaced
from sidelight.log.local.repair import check, last_ns
from sidelight.log.local.segment import Mark
from sidelight.log.local.shelf import LEAP, Shelf
from sidelight.log.local.tail import Tail

_LARGEST_BYTES = 64 << 30
"""Whatever the settings say: no more than `LEAP` of the smallest records fit."""


class Newest:
    """The newest segment as this process writes it; the partition's lock must be held.

    A living writer holds ``appenders`` in the folder shared, so that who comes knows whether it
    must look at what a dead one left, and who leaves whether it is the last.
    """

    def __init__(self, shelf: Shelf, settings: LogSettings, damages: Damages) -> None:
        self._shelf = shelf
        self._settings = settings
        self._damages = damages
        self._tail: Tail | None = None
        self._presence = -1

    def tail(self) -> Tail:
        """The newest segment, a new one when it has had its time."""
        bases = self._shelf.bases()
        newest = bases[-1] if bases else -1
        if self._tail is None or self._tail.base != newest:
            self.drop()
            self._tail = self._open(self._found(newest))
        if self._is_done(self._tail) and (end := self._tail.last().end) > self._tail.base:
            self._tail = self._open(self._succeed(self._tail, end))
        return self._tail

    def drop(self) -> None:
        """Let go of the file; the next `tail` looks anew."""
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()

    def leave(self) -> None:
        """Let go for good; the last writer seals, so that the next start need not check."""
        try:
            if self._tail is not None and _lock(self._presence, fcntl.LOCK_EX):
                self._tail.seal()
        finally:
            self.drop()
            if self._presence >= 0:
                os.close(self._presence)
                self._presence = -1

    def _is_done(self, tail: Tail) -> bool:
        """By size; by age too, when records are not to stay for ever."""
        if tail.bytes() >= min(self._settings.segment_bytes, _LARGEST_BYTES):
            return True
        kept = self._settings.retain_seconds
        return kept is not None and tail.began_ns() < time.time_ns() - kept * 1e9

    def _found(self, newest: int) -> int:
        """The segment to go on with, given the newest in the folder (-1: none)."""
        head = self._shelf.head()
        if newest < head:
            self._damages.report(self._shelf, head, head + LEAP, "the newest segment is missing")
            newest = self._begin(head + LEAP, last_ns(self._shelf))
        elif newest < 0:
            newest = self._begin(0, 0)
        return newest if self._presence >= 0 else self._arrive(newest)

    def _begin(self, base: int, floor_ns: int) -> int:
        self._shelf.add(Mark(base, floor_ns, None, False, boot_id()))
        return base

    def _succeed(self, tail: Tail, base: int) -> int:
        """Begin the next segment, then end the one before."""
        self._begin(base, tail.last().appended_ns)
        tail.seal()
        tail.close()
        return base

    def _arrive(self, newest: int) -> int:
        """Check what a dead writer may have left, unless a living one has done so."""
        with spaced(self._shelf.folder):
            presence = os.open(self._shelf.folder / "appenders", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _lock(presence, fcntl.LOCK_EX):
                newest = self._inherit(newest)
            fcntl.flock(presence, fcntl.LOCK_SH)
        except LogError:
            os.close(presence)
            raise
        self._presence = presence
        return newest

    def _inherit(self, newest: int) -> int:
        mark = check(self._shelf, newest)
        if mark.clean or mark.boot == boot_id() or self._settings.durability == "power":
            return newest
        tail = self._open(newest)
        end = tail.last().end
        self._damages.report(
            self._shelf, end, end + LEAP, "the machine stopped; the last commits may be gone"
        )
        return self._succeed(tail, end + LEAP)

    def _open(self, base: int) -> Tail:
        return Tail(self._shelf.path(base), base, self._settings.durability)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
