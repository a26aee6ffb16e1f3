"""Drops a topic's oldest segments, whole, when it holds too much or they are too old."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from threading import Lock

from sidelight.config.settings import LogSettings
from sidelight.log.local.disk import held_bytes
from sidelight.log.local.segment import Segment
from sidelight.log.local.shelf import Shelf

_SHORTEST_SECONDS = 1.0


class Retention:
    """The limits of one topic; the newest segment of a partition always stays."""

    def __init__(self, shelves: Sequence[Shelf], settings: LogSettings) -> None:
        self._shelves = shelves
        self._settings = settings
        self._lock = Lock()
        self._newest: dict[int, int] = {}
        self._due = 0.0

    def after_append(self, partition: int, base: int) -> None:
        """Look after a segment has begun, and now and then for age."""
        rolled = self._newest.get(partition) != base
        if rolled or (self._settings.retain_seconds and time.monotonic() >= self._due):
            self._newest[partition] = base
            self.enforce()

    def enforce(self) -> bool:
        """Drop what is above the limits; whether anything was."""
        with self._lock:
            every = (self._settings.retain_seconds or 0.0) / 10
            self._due = time.monotonic() + max(every, _SHORTEST_SECONDS)
            dropped = False
            while (exceeding := self._exceeding()) is not None:
                shelf, base = exceeding
                with shelf.locked():
                    shelf.drop(base)
                dropped = True
            return dropped

    def _exceeding(self) -> tuple[Shelf, int] | None:
        """The segment that must go next, if one must."""
        held = 0
        oldest: tuple[int, Shelf, int] | None = None
        for shelf in self._shelves:
            bases = shelf.bases()
            held += sum(held_bytes(shelf.path(base)) for base in bases)
            if len(bases) > 1:
                newest_ns = _newest_ns(shelf, *bases[:2])
                if oldest is None or newest_ns < oldest[0]:
                    oldest = (newest_ns, shelf, bases[0])
        if oldest is None:
            return None
        newest_ns, shelf, base = oldest
        kept = self._settings.retain_seconds
        too_old = kept is not None and newest_ns < time.time_ns() - kept * 1e9
        return (shelf, base) if too_old or held > self._settings.retain_bytes else None


def _newest_ns(shelf: Shelf, base: int, following: int) -> int:
    """When a segment got its last record: as the following one notes it, else the file's time."""
    try:
        with closing(Segment(shelf.path(following), following, sealed=False)) as segment:
            floor_ns = segment.mark().floor_ns
        return floor_ns or shelf.path(base).stat().st_mtime_ns
    except OSError:
        return 0
