"""The newest segment of a partition, open for appending."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import apsw

from sidelight.errors import LogError
from sidelight.log.local.disk import boot_id
from sidelight.log.local.failures import full, translated
from sidelight.log.local.rows import Content, place
from sidelight.log.local.segment import PAGE_BYTES, Last, read_last, read_mark
from sidelight.log.local.sqlite import connect

_CHECKPOINT_PAGES = (8 << 20) // PAGE_BYTES
"""Copy the write-ahead log into the segment when it has grown by this much ..."""
_RESTART_PAGES = (48 << 20) // PAGE_BYTES
"""... and wait for the readers that keep it from starting again when it is this long."""
_WAL_BYTES = 64 << 20
"""A write-ahead log that has grown beyond this is cut back when it starts again."""
_CHECKPOINT_BUSY_MS = 500
_LARGE_BYTES = 1 << 20

_OPENED = (
    "synchronous=FULL",
    f"journal_size_limit={_WAL_BYTES}",
    # A tree that is split else leaves copies of rows behind, which `erasing` would not find.
    "secure_delete=FAST",
)
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Batch:
    """Contents that wait for their place; `first`, `appended_ns` and `base` once they have it."""

    contents: list[Content]
    first: int = -1
    appended_ns: int = 0
    base: int = -1
    error: LogError | None = None
    done: bool = False

    def fail(self, error: LogError) -> None:
        self.error = error
        self.done = True


class Tail:
    """A connection to the newest segment; the partition's lock must be held to use it."""

    def __init__(self, path: Path, base: int, durability: Literal["process", "power"]) -> None:
        self.path = path
        self.base = base
        self._db = connect(path, *_OPENED)
        self._db.set_wal_hook(_checkpoint)
        with translated(path, self._db):
            self._floor_ns = read_mark(self._db, base).floor_ns
            # Durable before the first record is: else a power cut could look like a clean end.
            self._db.execute("UPDATE mark SET clean = 0, boot = ?", (boot_id(),))
            if durability == "process":
                self._db.execute("PRAGMA synchronous=NORMAL").fetchall()

    def last(self) -> Last:
        with translated(self.path, self._db):
            return read_last(self._db, self.base, self._floor_ns)

    def bytes(self) -> int:
        with translated(self.path, self._db):
            return int(self._db.execute("PRAGMA page_count").get) * PAGE_BYTES

    def began_ns(self) -> int:
        """When the first record was appended; now, without one."""
        with translated(self.path, self._db):
            row = self._db.execute("SELECT appended_ns FROM records ORDER BY offset LIMIT 1")
            return row.get or time.time_ns()

    def append(self, batches: Sequence[Batch]) -> None:
        """Keep all batches in one transaction, or none."""
        self._refuse_what_cannot_fit(batches)
        with translated(self.path, self._db):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                placed = self._insert(batches)
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        for batch, last in zip(batches, placed, strict=True):
            batch.first, batch.appended_ns = last.end, last.appended_ns
            batch.base, batch.done = self.base, True

    def _refuse_what_cannot_fit(self, batches: Sequence[Batch]) -> None:
        """A large batch that fails half-way leaves its size in the write-ahead log."""
        needed = sum(len(content.value) for batch in batches for content in batch.contents)
        if needed > _LARGE_BYTES:
            disk = os.statvfs(self.path.parent)
            if needed > disk.f_bavail * disk.f_frsize:
                raise full(self.path)

    def _insert(self, batches: Sequence[Batch]) -> list[Last]:
        end, floor_ns = read_last(self._db, self.base, self._floor_ns)
        now_ns = max(time.time_ns(), floor_ns)
        placed = []
        for batch in batches:
            self._db.executemany(_INSERT, place(batch.contents, end, now_ns))
            placed.append(Last(end, now_ns))
            end += len(batch.contents)
        return placed

    def seal(self) -> None:
        """Note where the segment ends: it has a successor, or no writer is left.

        The next start believes it without a check.
        """
        last = self.last()
        with translated(self.path, self._db):
            self._db.execute("UPDATE mark SET end = ?, clean = 1", (last.end,))

    def close(self) -> None:
        """Let go of the file; what cannot be copied into it stays in its write-ahead log."""
        with closing(self._db), suppress(apsw.Error):
            self._db.set_busy_timeout(_CHECKPOINT_BUSY_MS)
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _checkpoint(db: apsw.Connection, name: str, pages: int) -> int:
    """Runs after a commit, which stands whether this succeeds or not."""
    if pages >= _CHECKPOINT_PAGES:
        restart = pages >= _RESTART_PAGES
        mode = apsw.SQLITE_CHECKPOINT_RESTART if restart else apsw.SQLITE_CHECKPOINT_PASSIVE
        with suppress(apsw.Error):
            db.wal_checkpoint(name, mode)
    return apsw.SQLITE_OK
