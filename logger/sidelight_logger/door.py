"""The unix socket to which loggers inside of model servers hand over what they captured."""

from __future__ import annotations

import contextlib
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidelight.errors import ConfigError

_MODE = 0o660
"""For its user and group: in a pod, containers of different users share a volume by its group."""
_BACKLOG = 64


@contextmanager
def door(path: Path | None) -> Iterator[socket.socket | None]:
    """The socket at `path`, which goes with it; None without a path. Raises `ConfigError`."""
    if path is None:
        yield None
        return
    listener = socket.socket(socket.AF_UNIX)
    try:
        _clear(path)
        listener.bind(str(path))
        path.chmod(_MODE)
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise ConfigError(f"logger.socket: cannot listen on {path}: {exc.strerror or exc}") from exc
    with listener:
        yield listener
    with contextlib.suppress(OSError):
        path.unlink()


def _clear(path: Path) -> None:
    """Remove the socket of a logger that was killed; nothing else, and none that is in use."""
    if not (path.exists() and stat.S_ISSOCK(path.stat().st_mode)):
        return
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise ConfigError(f"logger.socket: another logger listens on {path}; name another path")
