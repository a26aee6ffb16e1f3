"""Reads what can still be read of a damaged segment file, and ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import apsw

from sidelight.errors import LogError
from sidelight.log.local.disk import has_wal, held_bytes
from sidelight.log.local.rows import Row, is_intact
from sidelight.log.local.segment import PAGE_BYTES, Mark, create
from sidelight.log.local.shelf import LEAP
from sidelight.log.local.sqlite import connect_immutable, connect_reader

_CHUNK = 256
_FAILURES = 100_000
"""Look-ups that may fail before the rest of a file is given up (about a second)."""
_SMALLEST_ROW_BYTES = 24
_VERSION_VALID_FOR = slice(92, 96)
"""Of SQLite's header: when it differs from the change counter, the file's own size counts."""


def readable(path: Path, begin: int, end: int | None) -> Iterator[Row]:
    """Every intact row with begin <= offset < end, in runs; an offset may come twice.

    Where the end is not known, as many offsets are tried as the file could hold.
    """
    if end is None or end - begin >= LEAP:
        end = begin + held_bytes(path) // _SMALLEST_ROW_BYTES
    with _views(path) as views:
        for view in views:
            yield from _walk(view, begin, end)


@contextmanager
def _views(path: Path) -> Iterator[list[apsw.Connection]]:
    """The file with its write-ahead log and without; if neither opens, with a new first page."""
    with ExitStack() as stack:
        views = []
        for view in _openings(path):
            stack.enter_context(closing(view))
            if _has_tables(view):
                views.append(view)
        if not views:
            patched = path.with_suffix(".patched")
            stack.callback(patched.unlink, missing_ok=True)
            _give_first_page(path, patched)
            view = stack.enter_context(closing(connect_immutable(patched)))
            views = [view] if _has_tables(view) else []
        yield views


def _openings(path: Path) -> Iterator[apsw.Connection]:
    if has_wal(path):
        with suppress(LogError):
            yield connect_reader(path)
    yield connect_immutable(path)


def _has_tables(view: apsw.Connection) -> bool:
    try:
        view.execute("SELECT offset FROM records LIMIT 0").fetchall()
    except apsw.Error:
        return False
    return True


def _give_first_page(path: Path, patched: Path) -> None:
    """Copy the file; its first page (header and schema) is the same in every segment."""
    create(patched, Mark(0, 0, None, False, ""))
    with patched.open("rb") as fresh:
        first = bytearray(fresh.read(PAGE_BYTES))
    first[_VERSION_VALID_FOR] = b"\xff\xff\xff\xff"
    shutil.copyfile(path, patched)
    with patched.open("r+b") as file:
        file.write(first)


def _walk(view: apsw.Connection, begin: int, end: int) -> Iterator[Row]:
    """Halve each run of offsets that cannot be read until what is lost is a single record."""
    pending = [(begin, end)]
    failures = 0
    while pending and failures < _FAILURES:
        low, high = pending.pop()
        middle = (low + high) // 2
        try:
            rows = _chunk(view, low, high)
        except apsw.Error:
            failures += 1
            if low < middle:
                pending += [(middle, high), (low, middle)]
            continue
        yield from filter(is_intact, rows)
        if len(rows) == _CHUNK:
            failures += rows[-1][0] < low  # a page in the wrong place: still go forward
            pending.append((max(rows[-1][0], low) + 1, high))


def _chunk(view: apsw.Connection, low: int, high: int) -> list[Row]:
    rows: list[Row] = view.execute(
        "SELECT offset, appended_ns, checksum, key, headers, value FROM records"
        " WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?",
        (low, high, _CHUNK),
    ).fetchall()  # type: ignore[assignment]
    return rows
