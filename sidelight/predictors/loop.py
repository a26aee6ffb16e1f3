"""An asyncio loop in a thread of its own, for code that is called from many plain threads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

from sidelight.predictors.recalling import Recall, recall_in_force

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads; the thread starts with the first one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; it is cancelled when the calling thread is interrupted, or the
        call that it is made for taken back."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        recall = recall_in_force() or Recall()
        try:
            with recall.by(future.cancel):
                return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread. A later `run` starts another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop
