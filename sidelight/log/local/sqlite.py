"""Refuses a SQLite that can corrupt a write-ahead log."""

from __future__ import annotations

from sidelight.errors import ConfigError

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
