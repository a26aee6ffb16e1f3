"""One dashboard a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidelight.errors import ConfigError


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is this process's until the end; `ConfigError` when it is another's."""
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"dashboard.folder {folder}: another dashboard writes there; stop that one, or "
                "name a folder of its own for this one"
            ) from None
        yield
