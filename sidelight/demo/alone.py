"""One demo in a folder at a time, for it removes what the last one left there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from sidelight.errors import SidelightError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The folder, made empty; raises `SidelightError` when another demo runs in it."""
    lock = folder.with_name(f"{folder.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SidelightError(
                f"another demo runs in {folder}; end that one first (Ctrl-C, or wait for it)"
            ) from None
        rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield
