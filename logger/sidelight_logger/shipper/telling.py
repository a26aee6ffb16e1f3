"""Tells the recorder, which serves the metrics, what became of the records."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from threading import Event, Thread

from sidelight.errors import LogError
from sidelight_logger.wire.sinks import SinkStats, encode_stats

_EVERY_SECONDS = 1.0


class Teller:
    """A thread that sends the counters about once a second, and a last time when stopped."""

    def __init__(self, path: str, stats: Callable[[], SinkStats]) -> None:
        self._path = path
        self._stats = stats
        self._stop = Event()
        self._thread = Thread(target=self._run, name="telling", daemon=True)
        self._connection: socket.socket | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            self._tell()
        self._tell()
        self._disconnect()

    def _tell(self) -> None:
        try:
            frame = encode_stats(self._stats())
            self._connected().sendall(frame)
        except (OSError, LogError):
            self._disconnect()  # the next second tries again; counters are cumulative

    def _connected(self) -> socket.socket:
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_EVERY_SECONDS)
            connection.connect(self._path)
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
