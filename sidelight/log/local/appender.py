"""Appends to one partition: many threads and processes, one transaction for all that wait."""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from contextlib import suppress
from threading import Lock

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError, LogFull
from sidelight.log.local.damage import Damages
from sidelight.log.local.failures import Damaged, Gone, spaced
from sidelight.log.local.repair import check, last_ns, repair
from sidelight.log.local.rows import Content
from sidelight.log.local.segment import Last, Mark, boot_id
from sidelight.log.local.shelf import LEAP, Shelf
from sidelight.log.local.tail import Batch, Tail

_LARGEST_BYTES = 64 << 30
"""Whatever the settings say: no more than `LEAP` of the smallest records fit."""


class Appender:
    """The writing side of one partition in this process."""

    def __init__(self, shelf: Shelf, settings: LogSettings, damages: Damages) -> None:
        self._shelf = shelf
        self._settings = settings
        self._damages = damages
        self._turn = Lock()
        self._waiting: deque[Batch] = deque()
        self._tail: Tail | None = None
        self._presence = -1

    def append(self, contents: list[Content]) -> Batch:
        """Keep the contents whole or not at all; returns when they are as safe as promised."""
        batch = Batch(contents)
        self._waiting.append(batch)
        with self._turn:
            if not batch.done:
                self._write([self._waiting.popleft() for _ in range(len(self._waiting))])
        if batch.error is not None:
            raise batch.error
        return batch

    def close(self) -> None:
        with self._turn:
            if self._tail is not None:
                with self._shelf.locked():
                    if _lock(self._presence, fcntl.LOCK_EX):
                        with suppress(LogError):  # unsealed, it is checked at the next start
                            self._tail.seal()
                    self._leave_tail()
            if self._presence >= 0:
                os.close(self._presence)
                self._presence = -1

    def _write(self, batches: list[Batch]) -> None:
        """Settle every batch; where all together find no space, a smaller one alone still may."""
        try:
            self._write_together(batches)
        except LogFull as exc:
            if len(batches) == 1:
                batches[0].fail(exc)
            else:
                for batch in batches:
                    self._write([batch])
        except LogError as exc:
            for batch in batches:
                batch.fail(exc)
        finally:
            for batch in batches:
                if not batch.done:
                    batch.fail(LogError("the append was interrupted; append the batch again"))

    def _write_together(self, batches: list[Batch]) -> None:
        try:
            if self._tail is None:
                self._shelf.make()
            with self._shelf.locked():
                self._ready().append(batches)
        except (Damaged, Gone) as exc:
            self._leave_tail()
            bases = self._shelf.bases()
            if isinstance(exc, Damaged) and bases:
                repair(self._shelf, bases[-1], exc, self._damages)
            with self._shelf.locked():
                self._ready().append(batches)

    def _ready(self) -> Tail:
        """The newest segment, a new one when it has had its time."""
        tail = self._newest()
        if self._is_done(tail) and (end := tail.last().end) > tail.base:
            return self._roll(tail, end)
        return tail

    def _is_done(self, tail: Tail) -> bool:
        """By size; by age too, when records are not to stay for ever."""
        if tail.bytes() >= min(self._settings.segment_bytes, _LARGEST_BYTES):
            return True
        kept = self._settings.retain_seconds
        return kept is not None and tail.began_ns() < time.time_ns() - kept * 1e9

    def _newest(self) -> Tail:
        bases = self._shelf.bases()
        newest = bases[-1] if bases else -1
        if self._tail is None or self._tail.base != newest:
            self._tail = self._open(newest)
        return self._tail

    def _open(self, newest: int) -> Tail:
        self._leave_tail()
        head = self._shelf.head()
        if newest < head:
            self._damages.report(self._shelf, head, head + LEAP, "the newest segment is missing")
            newest = self._begin(Last(head + LEAP, last_ns(self._shelf)))
        elif newest < 0:
            newest = self._begin(Last(0, 0))
        if self._presence < 0:
            newest = self._arrive(newest)
        if self._tail is not None:
            return self._tail
        return Tail(self._shelf.path(newest), newest, self._settings.durability)

    def _begin(self, last: Last) -> int:
        self._shelf.add(Mark(last.end, last.appended_ns, None, False, boot_id()))
        return last.end

    def _roll(self, tail: Tail, end: int) -> Tail:
        """Close the newest segment and begin the next one at `end`."""
        base = self._begin(Last(end, tail.last().appended_ns))
        tail.seal()
        self._tail = None
        tail.close()
        self._tail = Tail(self._shelf.path(base), base, self._settings.durability)
        return self._tail

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
        tail = Tail(self._shelf.path(newest), newest, self._settings.durability)
        end = tail.last().end
        self._damages.report(
            self._shelf, end, end + LEAP, "the machine stopped; the last commits may be gone"
        )
        self._tail = self._roll(tail, end + LEAP)
        return self._tail.base

    def _leave_tail(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
