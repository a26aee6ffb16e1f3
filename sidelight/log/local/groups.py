"""Groups: who reads for whom, how far, and the note kept with it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import quote

import apsw

from sidelight.errors import Fenced, GroupBusy, LogError
from sidelight.log.contract import Claim, Position
from sidelight.log.local.failures import Damaged, spaced, translated

_POLL_SECONDS = 0.02
_BUSY_MS = 30_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS positions (
    name TEXT, topic TEXT, partition INTEGER, offset INTEGER NOT NULL, note BLOB NOT NULL,
    PRIMARY KEY (name, topic, partition)) STRICT;
"""


class Positions:
    """The file ``groups/positions.db``: one connection, one thread at a time."""

    def __init__(self, folder: Path, durability: str) -> None:
        self._folder = folder
        self._path = folder / "positions.db"
        self._synchronous = "FULL" if durability == "power" else "NORMAL"
        self._opened: apsw.Connection | None = None
        self._lock = Lock()

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def next_epoch(self, group: str) -> int:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO groups VALUES (?, 1)"
                " ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1",
                (group,),
            )
            return int(db.execute("SELECT epoch FROM groups WHERE name = ?", (group,)).get)

    def read(self, group: str, topic: str, partition: int) -> Position | None:
        with self._lock, self._translated():
            row = (
                self._db()
                .execute(
                    "SELECT offset, note FROM positions"
                    " WHERE name = ? AND topic = ? AND partition = ?",
                    (group, topic, partition),
                )
                .fetchone()
            )
        return Position(*row) if row else None

    def write(self, group: str, topic: str, epoch: int, positions: Mapping[int, Position]) -> None:
        with self._transaction() as db:
            row = db.execute("SELECT epoch FROM groups WHERE name = ?", (group,)).fetchone()
            if row is None or row[0] != epoch:
                raise Fenced(f"group {group!r}: another consumer has joined; stop this one")
            db.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
                [(group, topic, at, p.offset, p.note) for at, p in positions.items()],
            )

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        with self._lock, self._translated():
            db = self._db()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(self._path, self._opened):
                yield
        except Damaged as exc:
            raise LogError(
                f"{exc}; restore it, or move it away to let every group begin anew"
            ) from exc

    def _db(self) -> apsw.Connection:
        if self._opened is None:
            with spaced(self._folder):
                self._folder.mkdir(mode=0o700, exist_ok=True)
            db = apsw.Connection(str(self._path))
            db.set_busy_timeout(_BUSY_MS)
            db.execute("PRAGMA journal_mode=WAL").fetchall()
            db.execute(f"PRAGMA synchronous={self._synchronous}; PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA journal_size_limit=67108864").fetchall()
            db.execute(_SCHEMA)
            self._opened = db
        return self._opened


class LocalMembership:
    """The group's one consumer: holds a file lock, which dies with the process."""

    def __init__(
        self,
        group: str,
        topic: str,
        epoch: int,
        lock: int,
        positions: Positions,
        partitions: int,
    ) -> None:
        self._group = group
        self._topic = topic
        self._epoch = epoch
        self._lock = lock
        self._positions = positions
        self._partitions = partitions

    def claims(self) -> tuple[Claim, ...]:
        self._check_place()
        return tuple(Claim(partition, self._epoch) for partition in range(self._partitions))

    def committed(self, partition: int) -> Position | None:
        return self._positions.read(self._group, self._topic, partition)

    def commit(self, positions: Mapping[int, Position]) -> None:
        self._check_place()
        self._positions.write(self._group, self._topic, self._epoch, positions)

    def leave(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _check_place(self) -> None:
        if self._lock < 0:
            raise Fenced(f"group {self._group!r}: this consumer has left; join again")


def join(
    folder: Path,
    group: str,
    topic: str,
    positions: Positions,
    partitions: int,
    wait_seconds: float,
) -> LocalMembership:
    """Become the consumer of `group`, or raise `GroupBusy` naming the process that is."""
    lock = _hold(folder, group, time.monotonic() + wait_seconds)
    try:
        epoch = positions.next_epoch(group)
    except LogError:
        os.close(lock)
        raise
    return LocalMembership(group, topic, epoch, lock, positions, partitions)


def _hold(folder: Path, group: str, deadline: float) -> int:
    with spaced(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{quote(group, safe='')}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
                os.close(lock)
                raise GroupBusy(
                    f"group {group!r} is held by process {holder}; stop it or wait"
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            os.pwrite(lock, b"%-20d" % os.getpid(), 0)
            return lock
