"""One dashboard a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sidelight.errors import ConfigError


class Held(ConfigError):
    """The folder is another process's."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is this process's until the end; `Held` when it is another's."""
    with _opened(folder / "lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(
                f"dashboard.folder {folder}: another dashboard, or a report that is being made,"
                " writes there; stop that one, or name a folder of its own for this one"
            ) from None
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a")
    except OSError as exc:
        raise ConfigError(
            f"dashboard.folder {path.parent}: {exc.strerror}; name a folder that can be written"
        ) from exc
