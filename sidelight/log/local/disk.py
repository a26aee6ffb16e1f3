"""Files as the log leaves them: synced, sized, and what SQLite keeps beside them."""

from __future__ import annotations

import os
from pathlib import Path

from sidelight.log.local.failures import spaced


def boot_id() -> str:
    """Names the machine's present run: after another one, unsynced commits may be gone."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def sync(path: Path) -> None:
    """Put a closed file, or the names in a folder, on the disk.

    Never for a segment that is in use here: closing it would drop SQLite's locks.
    """
    with spaced(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def shm(path: Path) -> Path:
    return path.with_name(path.name + "-shm")


def has_wal(path: Path) -> bool:
    return _size(wal(path)) > 0


def held_bytes(path: Path) -> int:
    """On disk, with its write-ahead log; 0 when it has gone."""
    return _size(path) + _size(wal(path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
