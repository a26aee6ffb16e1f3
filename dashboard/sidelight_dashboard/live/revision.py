"""A number that goes up when there is something new, and waiting for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress


class Revision:
    """Raised by the follower's thread; any number of coroutines wait for the next, until `end`."""

    def __init__(self) -> None:
        self.number = 0
        self._is_over = False
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def rise(self) -> None:
        with self._lock:
            self.number += 1
            self._wake()

    def end(self) -> None:
        """Nobody waits any longer: the process is about to end."""
        with self._lock:
            self._is_over = True
            self._wake()

    async def following(self, beat_seconds: float) -> AsyncIterator[int]:
        """Each number as it comes; who is slow gets the newest. The same one again at each beat."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiting.add(waiter)
        try:
            while not self._is_over:
                event.clear()
                yield self.number
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), beat_seconds)
        finally:
            with self._lock:
                self._waiting.discard(waiter)

    def _wake(self) -> None:
        for loop, event in self._waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
