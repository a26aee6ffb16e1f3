"""A number that goes up when there is something new, and waiting for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator


class Revision:
    """Raised by the follower's thread; any number of coroutines wait for the next."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def rise(self) -> None:
        with self._lock:
            self.number += 1
            for loop, event in self._waiting:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    async def following(self) -> AsyncIterator[int]:
        """Each number as it comes; who is slow gets the newest."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiting.add(waiter)
        try:
            while True:
                event.clear()
                yield self.number
                await event.wait()
        finally:
            with self._lock:
                self._waiting.discard(waiter)
