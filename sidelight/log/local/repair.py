"""Checks a segment, and replaces a damaged one by what can be read of it."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import apsw

from sidelight.errors import LogError
from sidelight.log.local.damage import Damages
from sidelight.log.local.disk import boot_id, has_wal, sync
from sidelight.log.local.failures import Damaged, Gone, translated
from sidelight.log.local.salvage import readable
from sidelight.log.local.segment import Last, Mark, Segment, read_last
from sidelight.log.local.shelf import LEAP, Shelf
from sidelight.log.local.sqlite import connect, connect_immutable

_CHUNK = 1000
_CHUNK_BYTES = 16 << 20

_GAPS = """
SELECT after, next FROM (SELECT offset + 1 AS after, lead(offset) OVER (ORDER BY offset) AS next
FROM records) WHERE next > after
"""


def check(shelf: Shelf, base: int) -> Mark:
    """What a start looks at: a segment whose writer left in order is believed."""
    with closing(_segment(shelf, base)) as segment:
        mark = segment.mark()
        if not mark.clean or mark.end != segment.last().end or has_wal(segment.path):
            _verify(shelf, segment)
        return mark


def repair(shelf: Shelf, base: int, cause: Damaged, damages: Damages) -> None:
    """Put what can be saved in the damaged file's place, and the file itself aside.

    Does nothing when another process was here first.
    """
    with shelf.locked():
        if _is_sound(shelf, base):
            return
        mark = Mark(base, last_ns(shelf, base), None, True, boot_id())
        with shelf.draft(mark) as fresh:
            kept, lost = _replace(shelf, base, fresh)
    for span in lost:
        damages.report(shelf, *span, str(cause), str(kept))


def _replace(shelf: Shelf, base: int, fresh: Path) -> tuple[Path, list[tuple[int, int]]]:
    """Fill the fresh segment and put it in place; answers the file set aside, and what is lost."""
    end = shelf.successor(base)
    last, lost = _rescue(fresh, shelf.path(base), base, end)
    if end is None:  # before the file is replaced: a crash in between must not reuse offsets
        end = last.end + LEAP
        shelf.add(Mark(end, last.appended_ns, None, False, boot_id()))
    kept = shelf.set_aside(base)
    shelf.put(base, fresh)
    return kept, lost + ([(last.end, end)] if last.end < end else [])


def _segment(shelf: Shelf, base: int) -> Segment:
    return Segment(shelf.path(base), base, sealed=shelf.successor(base) is not None)


def _is_sound(shelf: Shelf, base: int) -> bool:
    with closing(_segment(shelf, base)) as segment:
        try:
            _verify(shelf, segment)
        except Damaged:
            return False
        except Gone:
            return True
    return True


def _verify(shelf: Shelf, segment: Segment) -> None:
    """Read every record; `Damaged` at the first that is not what was written."""
    offset = segment.base
    while rows := segment.rows(offset, 1 << 62, _CHUNK, _CHUNK_BYTES):
        offset = rows[-1][0] + 1
    known_end(shelf, segment)
    if segment.has_lost_pages():
        raise Damaged(f"{segment.path} has pages that belong to no record")
    if has_wal(segment.path) and _without_wal(segment.path, segment.base).end > offset:
        raise Damaged(f"{segment.path} has the write-ahead log of an older state beside it")


def known_end(shelf: Shelf, segment: Segment) -> int:
    """Where a segment ends; `Damaged` when it once ended elsewhere."""
    end, mark = segment.last().end, segment.mark()
    expected = mark.end if mark.clean else shelf.successor(segment.base)
    if expected not in (None, end):
        raise Damaged(f"{segment.path} ends at {end}, but ended at {expected} before")
    return end


def _without_wal(path: Path, base: int) -> Last:
    """The end as the file alone tells it; a half-copied state tells nothing."""
    try:
        with closing(connect_immutable(path)) as db:
            return read_last(db, base, 0)
    except (apsw.Error, LogError):
        return Last(base, 0)


def last_ns(shelf: Shelf, before: int | None = None) -> int:
    """When the last record was appended, or the last before that offset; 0 when unknown."""
    bases = [base for base in shelf.bases() if before is None or base < before]
    if not bases:
        return 0
    with suppress(LogError), closing(_segment(shelf, bases[-1])) as newest:
        return newest.last().appended_ns
    return 0


def _rescue(
    fresh: Path, damaged: Path, base: int, end: int | None
) -> tuple[Last, list[tuple[int, int]]]:
    """Copy the readable records; answers where they end and which are missing before."""
    with translated(fresh), closing(connect(fresh, "synchronous=OFF")) as db:
        floor_ns = db.execute("SELECT floor_ns FROM mark").get
        with db:
            db.executemany(
                "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?)",
                readable(damaged, base, end),
            )
        last = read_last(db, base, floor_ns)
        db.execute("UPDATE mark SET end = ?", (last.end,))
        lost = [(after, following) for after, following in db.execute(_GAPS)]
        first = db.execute("SELECT min(offset) FROM records").get
        if first is not None and first > base:
            lost.insert(0, (base, first))
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    sync(fresh)
    return last, lost
