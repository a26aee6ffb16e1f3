"""SQLite's errors as ours, translated once."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from sidelight.errors import LogError, LogFull

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_NOT_WHAT_WAS_WRITTEN = (
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.FormatError,
    apsw.MismatchError,
    apsw.SQLError,  # a table is missing: our statements are constant
)


class Damaged(LogError):
    """A segment file is not what was written; its partition repairs it and goes on."""


class Gone(LogError):
    """A segment file has left its folder: retention, or somebody's hand."""


def full(path: Path) -> LogFull:
    return LogFull(f"{path}: no space left for an append; free some, or lower 'retain_bytes'")


@contextmanager
def translated(path: Path, db: apsw.Connection | None = None) -> Iterator[None]:
    """Turn what SQLite and the system raise about `path` into errors of ours."""
    try:
        yield
    except _NOT_WHAT_WAS_WRITTEN as exc:
        raise Damaged(f"{path} is damaged: {exc}") from exc
    except apsw.FullError as exc:
        raise full(path) from exc
    except apsw.CantOpenError as exc:
        if not path.exists():
            raise Gone(f"{path} is gone") from exc
        raise LogError(f"{path} cannot be opened: {exc}; check its owner and mode") from exc
    except apsw.Error as exc:
        if db is not None and isinstance(exc, apsw.IOError) and db.system_errno in _NO_SPACE:
            raise full(path) from exc
        raise LogError(f"{path}: {exc}") from exc


@contextmanager
def spaced(path: Path) -> Iterator[None]:
    """The same for files made without SQLite: only a full disk has a name of its own."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _NO_SPACE and not isinstance(exc, LogError):
            raise full(path) from exc
        if isinstance(exc, LogError):
            raise
        raise LogError(f"{path}: {exc.strerror}; check the folder's owner and mode") from exc
