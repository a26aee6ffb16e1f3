"""Takes records out of a local log's files, so that nothing of them stays on the disk.

The offsets stay: what is deleted leaves a hole, except at a segment's end, which is known by its
last record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import apsw

from sidelight.errors import LogError
from sidelight.log.contract import Address, Record, Stored
from sidelight.log.local.disk import has_wal
from sidelight.log.local.failures import translated
from sidelight.log.local.rows import Row, content, is_intact, place, stored
from sidelight.log.local.shelf import Shelf
from sidelight.log.local.sqlite import connect

Change = Callable[[Stored], Record | None]
"""What a record becomes: another, itself, or nothing."""

_FOUND = (
    "SELECT offset, appended_ns, checksum, key, headers, value FROM records WHERE key = ?1"
    " OR instr(headers, ?1) OR instr(value, ?1) ORDER BY offset"
)


def erase(
    shelf: Shelf, needles: Sequence[bytes], change: Change, tombstone: Record
) -> list[Address]:
    """Change every record that holds one of `needles`; answers where records were changed.

    `tombstone` takes the place of a last record that is to go. Raises `LogError` when the old
    content cannot be taken out of the write-ahead log, because somebody reads it at this moment.
    """
    found: list[Address] = []
    if not shelf.bases():
        return found
    with shelf.locked():
        for base in shelf.bases():
            found += _in_segment(shelf, base, needles, change, tombstone)
    return found


def set_aside(shelf: Shelf) -> list[Path]:
    """Damaged files that were kept, which nobody looks into."""
    return sorted((shelf.folder / "damaged").glob("*"))


def _in_segment(
    shelf: Shelf, base: int, needles: Sequence[bytes], change: Change, tombstone: Record
) -> list[Address]:
    path, found = shelf.path(base), list[Address]()
    with translated(path), closing(connect(path, "secure_delete=ON", "synchronous=FULL")) as db:
        last = db.execute("SELECT max(offset) FROM records").get
        with db:
            for one in _matching(db, shelf, needles):
                became = change(one)
                if became == one.record:
                    continue
                if became is None and one.address.offset == last:
                    became = tombstone
                _write(db, one, became)
                found.append(one.address)
        if found:
            # Pages may hold stale copies of rows from when the tree was split.
            db.execute("VACUUM")
        if found or has_wal(path):
            _settle(db, path)
    return found


def _matching(db: apsw.Connection, shelf: Shelf, needles: Sequence[bytes]) -> Iterator[Stored]:
    rows: dict[int, Row] = {}
    for needle in needles:
        rows.update((row[0], row) for row in db.execute(_FOUND, (needle,)))
    for _, row in sorted(rows.items()):
        if is_intact(row):
            yield stored(row, shelf.topic, shelf.partition)


def _write(db: apsw.Connection, old: Stored, became: Record | None) -> None:
    # Deleted first: a row that only shrinks may leave its old end in a page.
    db.execute("DELETE FROM records WHERE offset = ?", (old.address.offset,))
    if became is not None:
        rows = place([content(became)], old.address.offset, old.appended_ns)
        db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)


def _settle(db: apsw.Connection, path: Path) -> None:
    """Copy the write-ahead log into the file and cut it: it holds the pages as they were."""
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError as exc:
        raise LogError(
            f"{path} is being read, so its write-ahead log still holds what was deleted; "
            "run the command again"
        ) from exc
