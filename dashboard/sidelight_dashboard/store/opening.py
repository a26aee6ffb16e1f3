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

_DAMAGED = (apsw.NotADBError, apsw.CorruptError)

logger = structlog.get_logger("sidelight.dashboard")


class File:
    """One SQLite file in WAL mode: a connection a thread, and one thread at a time that writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.local()
        self._writing = threading.Lock()

    def rows(self, query: str, given: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """What the query finds."""
        return self._connection.execute(query, given).fetchall()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """A transaction: all of it is kept, or nothing."""
        with self._writing, self._connection as connection:
            yield connection

    def close(self) -> None:
        """This thread's connection; those of others close with their threads."""
        if connection := getattr(self._threads, "connection", None):
            connection.close()
            del self._threads.connection

    def remove(self) -> None:
        """The file itself, while no other thread uses it."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    @property
    def _connection(self) -> apsw.Connection:
        found: apsw.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            found = self._threads.connection = _opened(self.path)
        return found


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
        except _DAMAGED as exc:
            logger.warning("series.db is damaged and is built again", reason=str(exc))
            self.series.remove()
            found = 0
        if found != FORMAT:
            self.forget_series()
        self._prepare_kept()

    def check(self) -> None:
        """What another process prepared must be of this format."""
        ((found,),) = self.series.rows("PRAGMA user_version")
        if found != FORMAT:
            raise ConfigError(
                f"{self.series.path} is of format {found}, which another release of Sidelight"
                f" writes; this one reads {FORMAT}: use the release that the dashboard runs"
            )

    def _prepare_kept(self) -> None:
        try:
            with self.kept.writing() as kept:
                kept.execute(KEPT)
        except _DAMAGED as exc:
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
