"""All sockets of `sidelight logger`: bound by the command, handed down to its processes."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sidelight.config import Listen
from sidelight.config.settings import LoggerSettings
from sidelight.serving.listening import bound
from sidelight_logger.door import door

_SHORT_PLACE = "/tmp"  # noqa: S108 # a folder of our own is made in it
_LONGEST_PLACE = 70
"""Bytes; a unix socket's path has 107 at most, and the folder's and its own name stand behind."""


@dataclass(frozen=True)
class Sockets:
    """`http` is None where nothing is forwarded, `grpc` where it has no port of its own, `guests`
    where no model server logs by itself."""

    http: socket.socket | None
    grpc: socket.socket | None
    metrics: socket.socket
    recorder: socket.socket
    guests: socket.socket | None

    @property
    def traffic(self) -> Sequence[socket.socket]:
        """What the proxy listens on."""
        return [each for each in (self.http, self.grpc) if each]


@contextmanager
def opened(settings: LoggerSettings, *, forwards: bool) -> Iterator[Sockets]:
    """Closed at the end. Raises `ConfigError` for one that cannot be bound."""
    with ExitStack() as closed:
        http = grpc = None
        if forwards:
            http = closed.enter_context(bound("logger.listen", settings.listen))
        if forwards and settings.grpc_listen is not None:
            grpc = closed.enter_context(bound("logger.grpc_listen", settings.grpc_listen))
        metrics = closed.enter_context(bound("logger.metrics", settings.metrics))
        folder = tempfile.TemporaryDirectory(prefix="sidelight-", dir=_short_place())
        recorder = closed.enter_context(
            _bound_unix(Path(closed.enter_context(folder)) / "recorder")
        )
        guests = closed.enter_context(door(settings.socket))
        yield Sockets(http, grpc, metrics, recorder, guests)


def address_of(listener: socket.socket) -> str:
    """Where it listens, its port known."""
    host, port = listener.getsockname()[:2]
    return str(Listen(host, port))


def _short_place() -> str:
    """Where temporary files lie, unless a socket's path there would be longer than the kernel's."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_PLACE else _SHORT_PLACE


def _bound_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener
