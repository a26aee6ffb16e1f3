"""Appends to one partition: many threads and processes, one transaction for all that wait."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import Lock

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError, LogFull
from sidelight.log.local.damage import Damages
from sidelight.log.local.failures import Damaged, Gone
from sidelight.log.local.newest import Newest
from sidelight.log.local.repair import repair
from sidelight.log.local.rows import Content
from sidelight.log.local.shelf import Shelf
from sidelight.log.local.tail import Batch


class Appender:
    """The writing side of one partition in this process.

    Who comes while another thread writes leaves its batch in the queue; the next to have its turn
    writes all of them in one transaction. With ``durability: power`` they share one sync.
    """

    def __init__(self, shelf: Shelf, settings: LogSettings, damages: Damages) -> None:
        self._shelf = shelf
        self._damages = damages
        self._newest = Newest(shelf, settings, damages)
        self._waiting: deque[Batch] = deque()
        self._turn = Lock()
        self._begun = False

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
            if self._begun:
                with suppress(LogError), self._shelf.locked():  # unsealed, the next start checks
                    self._newest.leave()
                self._begun = False

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
        if not self._begun:
            self._shelf.make()
            self._begun = True
        try:
            self._write_once(batches)
        except (Damaged, Gone) as exc:
            self._newest.drop()
            bases = self._shelf.bases()
            if isinstance(exc, Damaged) and bases:
                repair(self._shelf, bases[-1], exc, self._damages)
            self._write_once(batches)

    def _write_once(self, batches: list[Batch]) -> None:
        with self._shelf.locked():
            self._newest.tail().append(batches)
