"""Bytes held and exchanges counted, by the application's threads and by our own."""

from __future__ import annotations

from threading import Lock

from sidelight_logger.proxy.counters import Counters
from sidelight_logger.proxy.link import Budget
from sidelight_logger.wire.tally import Cells


class SharedBudget(Budget):
    """A budget of several threads, asked four times a request: no call more than it needs."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._most = limit
        self._lock = Lock()

    def take(self, size: int) -> bool:
        with self._lock:
            held = self.held + size
            if held > self._most:
                return False
            self.held = held
            return True

    def give(self, size: int) -> None:
        with self._lock:
            self.held -= size


class SharedCounters(Counters):
    """Counters of several threads, as far as more than one of them counts."""

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells)
        self._lock = Lock()

    def dropped(self, reason: str, exchanges: int = 1) -> None:
        with self._lock:
            super().dropped(reason, exchanges)

    def exchange(self, seconds: float, request_bytes: int, response_bytes: int) -> None:
        with self._lock:
            super().exchange(seconds, request_bytes, response_bytes)
