"""The folder of one partition: its segment files by the offset they begin at, and its lock."""

from __future__ import annotations

import fcntl
import os
import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sidelight.log.local import disk, segment
from sidelight.log.local.failures import spaced

_SEGMENT = re.compile(r"(\d{20})\.segment")
_SETTLED_NS = 100_000_000
"""A folder changed this recently may change again within the same tick of the disk's clock."""

LEAP = 1 << 32
"""No segment holds so many records: after a loss the next offset is this much higher, so that none
which may have been acknowledged is given twice."""


class Shelf:
    """Segment files of one partition.

    ``head`` in the folder names the newest segment ever made (so that a lost one is missed) and
    is locked by whoever appends, rolls, retires or repairs.
    """

    def __init__(self, folder: Path, topic: str, partition: int) -> None:
        self.folder = folder
        self.topic = topic
        self.partition = partition
        self._head = folder / "head"
        self._seen: tuple[int, bool, tuple[int, ...]] = (-1, False, ())

    def make(self) -> None:
        with spaced(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._head.touch()

    def bases(self) -> tuple[int, ...]:
        """Where the segments begin, in order; lists the folder only when it has changed."""
        try:
            changed = os.stat(self.folder).st_mtime_ns
        except FileNotFoundError:
            return ()
        if (changed, True) != self._seen[:2]:
            settled = time.time_ns() - changed > _SETTLED_NS
            names = map(_SEGMENT.fullmatch, os.listdir(self.folder))
            self._seen = (changed, settled, tuple(sorted(int(m[1]) for m in names if m)))
        return self._seen[2]

    def successor(self, base: int) -> int | None:
        """Where the next segment begins; None for the newest."""
        bases = self.bases()
        index = bisect_right(bases, base)
        return bases[index] if index < len(bases) else None

    def path(self, base: int) -> Path:
        return self.folder / f"{base:020}.segment"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude every other process and thread that would change this partition."""
        with spaced(self.folder):
            descriptor = os.open(self._head, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def head(self) -> int:
        """The newest segment ever made; -1 when there was none or the note is unreadable."""
        try:
            return int(self._head.read_text())
        except (OSError, ValueError):
            return -1

    def add(self, mark: segment.Mark) -> None:
        """Make a new segment at ``mark.base``; the lock must be held."""
        with self.draft(mark) as path:
            self.put(mark.base, path)
        with spaced(self.folder), self._head.open("r+b", buffering=0) as head:
            head.write(b"%020d\n" % mark.base)

    @contextmanager
    def draft(self, mark: segment.Mark) -> Iterator[Path]:
        """An empty segment under a name that no reader looks for; gone again unless it is put."""
        path = self.folder / f"{mark.base:020}.new"
        try:
            _remove(path)
            segment.create(path, mark)
            yield path
        finally:
            _remove(path)

    def put(self, base: int, path: Path) -> None:
        """Move a finished file to its place, without what an older one may have left there."""
        place = self.path(base)
        with spaced(place):
            disk.wal(place).unlink(missing_ok=True)
            disk.shm(place).unlink(missing_ok=True)
            path.rename(place)
        disk.sync(self.folder)

    def set_aside(self, base: int) -> Path:
        """Keep a damaged file, and its write-ahead log, under ``damaged``."""
        path = self.path(base)
        kept = self.folder / "damaged" / f"{time.time_ns()}-{path.name}"
        with spaced(kept):
            kept.parent.mkdir(exist_ok=True)
            os.link(path, kept)
            with suppress(FileNotFoundError):
                os.link(disk.wal(path), disk.wal(kept))
        return kept

    def drop(self, base: int) -> None:
        """Retire a segment; the lock must be held."""
        with spaced(self.folder):
            _remove(self.path(base))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    disk.wal(path).unlink(missing_ok=True)
    disk.shm(path).unlink(missing_ok=True)
