"""A process's way to the recorder, in a thread of its own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import socket
from collections import deque
from pathlib import Path
from threading import Thread

from sidelight_logger.middleware.shared import SharedBudget, SharedCounters
from sidelight_logger.proxy.link import RecorderLink
from sidelight_logger.proxy.recording import Recorder, Recording
from sidelight_logger.wire import tally
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import encode_hello
from sidelight_logger.wire.tally import ProxyStats

_GATHER_SECONDS = 0.002
"""The thread is woken for the captures of so long a time, not for each."""
_JOIN_SECONDS = 1.0
"""Beyond the time to drain, for the thread to end."""


class Handover:
    """Takes what the application's threads captured, never waiting and bounded in bytes.

    A thread, and not the application's event loop: a loop may be blocked by a model for seconds,
    is another one for each test, and need not be asyncio's.
    """

    def __init__(self, path: Path, buffer_bytes: int, max_body: int) -> None:
        self._descriptor = tally.shared()
        self._counters = SharedCounters(tally.mapped(self._descriptor))
        budget = SharedBudget(buffer_bytes)
        self._link = GuestLink(path, budget, self._counters, self._descriptor)
        self._recorder = Recorder(self, budget, self._counters, max_body)
        self._offered: deque[tuple[Capture, int]] = deque()
        self._woken = False
        self._drain_seconds = 0.0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, name="sidelight-handover", daemon=True)

    def start(self) -> None:
        """Raises `RuntimeError` where there can be no thread: captures then wait for nobody."""
        self._thread.start()
        atexit.register(self.close, 0.5)  # for servers without a lifespan

    def begin(self, id_: bytes, head: bytes) -> Recording:
        return self._recorder.begin(id_, head)

    @property
    def stats(self) -> ProxyStats:
        return self._counters.stats()

    @property
    def drop_reason(self) -> str:
        return self._link.drop_reason

    def offer(self, capture: Capture, size: int) -> None:
        """Take over a capture whose `size` was taken from the budget; from any thread."""
        self._offered.append((capture, size))
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # it has ended: what comes now is `waiting`
                self._loop.call_soon_threadsafe(self._loop.call_later, _GATHER_SECONDS, self._take)

    def close(self, seconds: float) -> None:
        """Hand over what is left, for at most so long."""
        atexit.unregister(self.close)
        if self._thread.ident is None:
            self._end()
            return
        self._drain_seconds = seconds
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(seconds + _JOIN_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.close()
        os.close(self._descriptor)

    async def _serve(self) -> None:
        tasks = [self._loop.create_task(each) for each in (self._link.run(), self._link.report())]
        await self._stop.wait()
        self._take()
        await self._link.drain(self._drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self) -> None:
        self._woken = False  # first: what is offered from now on wakes again
        while self._offered:
            self._link.offer(*self._offered.popleft())


class GuestLink(RecorderLink):
    """A link that begins by handing over the counters."""

    def __init__(
        self, path: Path, budget: SharedBudget, counters: SharedCounters, descriptor: int
    ) -> None:
        super().__init__(path, budget, counters)
        self._descriptor = descriptor

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, str(self._path))
            socket.send_fds(sock, [encode_hello()], [self._descriptor])
            await loop.create_unix_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise
