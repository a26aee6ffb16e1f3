"""One segment: a SQLite file that holds a run of one partition's records."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import closing
from pathlib import Path
from threading import RLock
from typing import NamedTuple

import apsw

from sidelight.errors import LogFull
from sidelight.log.local.disk import has_wal, sync
from sidelight.log.local.failures import Damaged, translated
from sidelight.log.local.rows import Row, is_intact
from sidelight.log.local.sqlite import connect_immutable, connect_reader

PAGE_BYTES = 8192
"""Larger pages append faster in batches; one record alone writes at least one page."""

_SCHEMA = """
CREATE TABLE records (
    offset INTEGER PRIMARY KEY, appended_ns INTEGER NOT NULL, checksum INTEGER NOT NULL,
    key BLOB NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE mark (
    base INTEGER NOT NULL, floor_ns INTEGER NOT NULL, end INTEGER, clean INTEGER NOT NULL,
    boot TEXT NOT NULL) STRICT;
"""


class Mark(NamedTuple):
    """What a segment knows of itself.

    `floor_ns` is the time of the last record before it, `clean` whether its last writer left in
    order and `end` where the segment ended then, `boot` the machine's run in which it was last
    opened for writing.
    """

    base: int
    floor_ns: int
    end: int | None
    clean: bool
    boot: str


_MARKS = ([int, int, type(None), int, str], [int, int, int, int, str])


class Last(NamedTuple):
    """Where the next record goes, and the time it must not fall behind."""

    end: int
    appended_ns: int


def create(path: Path, mark: Mark) -> None:
    """Make an empty segment file that survives a power cut."""
    with translated(path):
        db = apsw.Connection(str(path))
        with closing(db):
            db.execute(f"PRAGMA page_size={PAGE_BYTES}; PRAGMA synchronous=OFF;")
            db.execute(_SCHEMA)
            db.execute("INSERT INTO mark VALUES (?, ?, ?, ?, ?)", mark)
            db.execute("PRAGMA journal_mode=WAL").fetchall()
    sync(path)


def read_mark(db: apsw.Connection, base: int) -> Mark:
    row = db.execute("SELECT base, floor_ns, end, clean, boot FROM mark").fetchone()
    if row is None or list(map(type, row)) not in _MARKS or row[0] != base:
        raise Damaged(f"{db.filename} does not say that it begins at {base}")
    return Mark(row[0], row[1], row[2], bool(row[3]), row[4])


def read_last(db: apsw.Connection, base: int, floor_ns: int) -> Last:
    row = db.execute(
        "SELECT offset, appended_ns FROM records ORDER BY offset DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return Last(base, floor_ns)
    if row[0] < base or type(row[1]) is not int:
        raise Damaged(f"{db.filename} does not end with a record")
    return Last(row[0] + 1, row[1])


class Segment:
    """A segment as readers use it: opened when asked, one thread at a time, never changed."""

    def __init__(self, path: Path, base: int, *, sealed: bool) -> None:
        self.path = path
        self.base = base
        self.sealed = sealed
        self._opened: apsw.Connection | None = None
        self._lock = RLock()

    def _db(self) -> apsw.Connection:
        if self._opened is None:
            if self.sealed and not has_wal(self.path):
                self._opened = connect_immutable(self.path)
            else:
                try:
                    self._opened = connect_reader(self.path)
                except LogFull:
                    if has_wal(self.path):
                        raise
                    return connect_immutable(self.path)  # this once: a writer may come
        return self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close(True)
                self._opened = None

    def mark(self) -> Mark:
        with self._lock, translated(self.path):
            return read_mark(self._db(), self.base)

    def last(self) -> Last:
        with self._lock, translated(self.path):
            db = self._db()
            return read_last(db, self.base, read_mark(db, self.base).floor_ns)

    def rows(self, begin: int, end: int, max_records: int, max_bytes: int) -> list[Row]:
        """Intact rows with begin <= offset < end; at least one if there is one, however large."""
        found: list[Row] = []
        with self._lock, translated(self.path), closing(self._db().cursor()) as cursor:
            for row in cursor.execute(
                "SELECT offset, appended_ns, checksum, key, headers, value FROM records"
                " WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?",
                (begin, end, max_records),
            ):
                if row[0] < begin or not is_intact(row):
                    raise Damaged(f"{self.path}: record {row[0]} does not match its checksum")
                begin = row[0] + 1
                max_bytes -= len(row[3]) + len(row[4]) + len(row[5])
                if found and max_bytes < 0:
                    break
                found.append(row)
        return found

    def has_lost_pages(self) -> bool:
        """Whether pages hang in the air: a tree that reads well may lack a branch."""
        with self._lock, translated(self.path):
            return bool(self._db().execute("PRAGMA quick_check(1)").get != "ok")

    def first_at(self, time_ns: int) -> int | None:
        """The first offset appended at `time_ns` or later; None when all are earlier."""
        with self._lock, translated(self.path):
            end = self.last().end
            at = bisect_left(range(end), time_ns, self.base, end, key=lambda o: self._from(o)[1])
            return self._from(at)[0] if at < end else None

    def _from(self, offset: int) -> tuple[int, int]:
        row = (
            self._db()
            .execute(
                "SELECT offset, appended_ns FROM records WHERE offset >= ? ORDER BY offset LIMIT 1",
                (offset,),
            )
            .fetchone()
        )
        if row is None or type(row[1]) is not int:
            raise Damaged(f"{self.path} holds nothing from {offset} on")
        return row[0], row[1]
