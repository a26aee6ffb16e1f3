"""The way to the recorder: frames over a unix socket, never waited for, bounded in bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from pathlib import Path

from sidelight_logger.proxy.counters import Counters
from sidelight_logger.wire.acknowledgements import Acknowledgements
from sidelight_logger.wire.captures import Capture, encode
from sidelight_logger.wire.tally import BUFFER_FULL, RECORDER_DOWN, RECORDER_LOST

_RECONNECT_SECONDS = 0.1
_TELL_SECONDS = 1.0
_FLUSH_SECONDS = 0.002
"""Captures of so long a time go out together: a system call for each would cost a tenth of all."""
_BATCH_BYTES = 64 << 10
_DRAIN_STEP_SECONDS = 0.01


class Budget:
    """Bytes that captures may hold: in flight, waiting, and written but not yet acknowledged."""

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit

    def take(self, size: int) -> bool:
        if self.held + size > self._limit:
            return False
        self.held += size
        return True

    def give(self, size: int) -> None:
        self.held -= size


class RecorderLink(asyncio.Protocol):
    """Writes captures while the recorder takes them, keeps them while it is away.

    A capture's bytes count against the budget until the recorder has settled it. One that was
    written to a recorder that then ended counts as lost: nobody can say what became of it.
    """

    def __init__(self, path: Path, budget: Budget, counters: Counters) -> None:
        self._path = path
        self._budget = budget
        self._counters = counters
        self._waiting: deque[tuple[Capture, int]] = deque()
        self._unsettled: deque[int] = deque()
        self._settled = 0
        self._acknowledgements = Acknowledgements()
        self._transport: asyncio.Transport | None = None
        self._writable = False
        self._flush_due = False
        self._lost = asyncio.Event()

    @property
    def drop_reason(self) -> str:
        """Why a capture that does not fit the budget cannot be kept."""
        return RECORDER_DOWN if self._transport is None else BUFFER_FULL

    def offer(self, capture: Capture, size: int) -> None:
        """Take over a capture whose `size` was taken from the budget."""
        self._waiting.append((capture, size))
        if self._writable and not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    async def run(self) -> None:
        """Connect, and again whenever the recorder ends."""
        while True:
            with contextlib.suppress(OSError):
                self._lost.clear()
                await self.connect()
                await self._lost.wait()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def connect(self) -> None:
        """Raises `OSError` when there is no recorder."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, str(self._path))

    async def report(self) -> None:
        """Give a sign of life about once a second."""
        while True:
            self._counters.tell(self._budget.held)
            await asyncio.sleep(_TELL_SECONDS)

    async def drain(self, seconds: float) -> int:
        """Wait until all is settled, at most so long, and close: how many captures were left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._waiting or self._unsettled:
                    await asyncio.sleep(_DRAIN_STEP_SECONDS)
        left = len(self._waiting) + len(self._unsettled)
        self._counters.dropped(self.drop_reason, len(self._waiting))
        self._waiting.clear()
        self._counters.tell(self._budget.held)
        if self._transport is not None and left:
            self._transport.abort()
        elif self._transport is not None:
            self._transport.close()
        return left

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._acknowledgements = Acknowledgements()
        self._settled = 0
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        settled = self._acknowledgements.feed(data)
        newly = min(settled - self._settled, len(self._unsettled))
        self._budget.give(sum(self._unsettled.popleft() for _ in range(newly)))
        self._counters.settled(newly)
        self._settled += newly

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._writable = False
        self._counters.dropped(RECORDER_LOST, len(self._unsettled))
        self._budget.give(sum(self._unsettled))
        self._unsettled.clear()
        self._lost.set()

    def _flush(self) -> None:
        self._flush_due = False
        while self._writable and self._waiting and self._transport is not None:
            parts: list[bytes] = []
            batch = 0
            while self._waiting and batch < _BATCH_BYTES:
                capture, size = self._waiting.popleft()
                self._unsettled.append(size)
                batch += size
                parts += encode(capture)
            if batch < 2 * _BATCH_BYTES:
                self._transport.write(b"".join(parts))
            else:
                self._transport.writelines(parts)
