"""Opens SQLite files, on an engine that can be trusted with them."""

from __future__ import annotations

from pathlib import Path

import apsw

from sidelight.errors import ConfigError
from sidelight.log.local.failures import translated

_BUSY_MS = 10_000
"""Writers exclude each other by a file lock; SQLite's own waits only for a checkpoint."""

_FIXED = (3, 51, 3)
_BACKPORTED = ((3, 44, 6), (3, 50, 7))


def refuse_unsafe(version: str) -> None:
    """`ConfigError` for an engine with the WAL-reset bug (https://sqlite.org/wal.html#walresetbug).

    It strikes when two connections write or checkpoint one file at once, as two services do here.
    """
    found = tuple(map(int, version.split(".")))
    backported = any(found[:2] == fixed[:2] and found >= fixed for fixed in _BACKPORTED)
    if found < _FIXED and not backported:
        raise ConfigError(
            f"log: SQLite {version} can corrupt a log that several processes write; "
            "install apsw>=3.51.3 from its wheel, which brings its own SQLite"
        )


def connect(path: Path, *pragmas: str) -> apsw.Connection:
    """Open an existing segment for reading and writing."""
    with translated(path):
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    with translated(path, db):
        db.set_busy_timeout(_BUSY_MS)
        # The last one reads: a file, or a disk, that will not do is found here.
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", *pragmas, "user_version"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        return db


def connect_reader(path: Path) -> apsw.Connection:
    """Open a segment that others may write, to change nothing, not even its write-ahead log."""
    db = connect(path, "query_only=ON")
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return db


def connect_immutable(path: Path) -> apsw.Connection:
    """Open a file that nobody will write again: no locks, and a ``-wal`` beside it is ignored."""
    with translated(path):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        db = apsw.Connection(path.as_uri() + "?immutable=1", flags=flags)
        db.execute("PRAGMA cell_size_check=ON").fetchall()
        return db
