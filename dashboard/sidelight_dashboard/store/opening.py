"""Opens the two files: one writer, any number of readers in any thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import structlog

from sidelight.errors import ConfigError
from sidelight_dashboard.store.rows import Row as Row
from sidelight_dashboard.store.schema import FORMAT, KEPT, SERIES

_BUSY_MS = 10_000

DAMAGE = (apsw.NotADBError, apsw.CorruptError)
"""What SQLite says of a file that it cannot be."""

TROUBLE = (*DAMAGE, apsw.BusyError, apsw.CantOpenError, apsw.FullError, apsw.IOError)
"""What is wrong with a file or its disk, and not with what was asked of it."""

logger = structlog.get_logger("sidelight.dashboard")


class File:
    """One SQLite file in WAL mode: a connection a thread, and one thread at a time that writes.

    `is_damaged` once anybody met what is no database (any longer).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_damaged = False
        self._threads = threading.local()
        self._writing = threading.Lock()
        self._opening = threading.RLock()
        self._made = 0
        self._seen: tuple[int, int] | None = None

    def rows(self, query: str, given: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """What the query finds."""
        with self._noticing():
            return self._connection.execute(query, given).fetchall()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """A transaction: all of it is kept, or nothing."""
        with self._noticing():
            connection = self._connection  # Opened first: who makes the file anew writes within.
            with self._writing, connection:
                yield connection

    def close(self) -> None:
        """This thread's connection; those of others close with their threads."""
        if opened := getattr(self._threads, "opened", None):
            opened[0].close()
            del self._threads.opened

    @contextmanager
    def anew(self) -> Iterator[None]:
        """Another file at this place, made in the block: nobody sees it before that is done.

        Other threads leave the old one when they next ask.
        """
        with self._opening:
            self.close()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            self._made += 1
            self._seen, self.is_damaged = None, False
            yield

    def is_gone(self) -> bool:
        """Whether somebody removed, replaced or cut the file since this was last asked."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return True
        before, self._seen = self._seen, (found.st_ino, found.st_size)
        # It never gets smaller by itself: what is free in it is used again.
        return before is not None and (before[0] != found.st_ino or before[1] > found.st_size)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except DAMAGE:
            self.is_damaged = True
            raise

    @property
    def _connection(self) -> apsw.Connection:
        opened: tuple[apsw.Connection, int] | None = getattr(self._threads, "opened", None)
        if opened is None or opened[1] != self._made:
            with self._opening:
                self.close()
                opened = self._threads.opened = (_opened(self.path), self._made)
        return opened[0]


def _opened(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(_BUSY_MS)
    try:
        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    except apsw.Error:
        connection.close()
        raise
    return connection


class Store:
    """`series` can be built again from the log; `kept` cannot."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                f"dashboard.folder {folder}: {exc.strerror}; name a folder that can be written"
            ) from exc
        self.folder = folder
        self.series = File(folder / "series.db")
        self.kept = File(folder / "kept.db")

    def prepare(self) -> None:
        """Make what is not there; throw away series that are damaged or of another format."""
        try:
            ((found,),) = self.series.rows("PRAGMA user_version")
            if found != FORMAT:
                self.forget_series()
        except DAMAGE:
            self.mend_series()
        self._prepare_kept()

    def mend_series(self) -> bool:
        """Begin again where the file is damaged or not there any longer; whether it was so."""
        if not (self.series.is_damaged or self.series.is_gone()):
            return False
        logger.warning("series.db is damaged or was taken away, and is built again")
        with self.series.anew():
            self.forget_series()
        return True

    def check(self) -> None:
        """What another process prepared must be of this format."""
        if not self.is_of_this_format:
            raise ConfigError(
                f"{self.series.path} is not of format {FORMAT}: another release of Sidelight"
                " writes it; use the release that the dashboard runs"
            )

    @property
    def is_of_this_format(self) -> bool:
        return self.series.rows("PRAGMA user_version") == [(FORMAT,)]

    def _prepare_kept(self) -> None:
        try:
            with self.kept.writing() as kept:
                kept.execute(KEPT)
        except DAMAGE as exc:
            raise ConfigError(
                f"{self.kept.path} is damaged ({exc}); put back a copy, or move it away to go on "
                "without the explanations and deliveries it holds"
            ) from exc

    def forget_series(self) -> None:
        """Begin again with nothing: the follower builds it from the log."""
        with self.series.writing() as series:
            for (name,) in series.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                series.execute(f'DROP TABLE "{name}"')
            series.execute(SERIES)
            series.execute(f"PRAGMA user_version = {FORMAT}")

    def close(self) -> None:
        self.series.close()
        self.kept.close()
