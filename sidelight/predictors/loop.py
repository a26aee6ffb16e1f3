"""An asyncio loop in a thread of its own, for code that is called from many plain threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from threading import Lock, Thread
from typing import Any, TypeVar

from sidelight.errors import PredictorError
from sidelight.predictors.recalling import Recall, recall_in_force

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads; the thread starts with the first one.

    `last` runs at the end, when no other does; `told` is how errors name whose loop it is.
    """

    def __init__(
        self, name: str, told: str, last: Callable[[], Coroutine[Any, Any, object]]
    ) -> None:
        self._name = name
        self._told = told
        self._last = last
        self._lock = Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; it is cancelled when the calling thread is interrupted, the call
        that it is made for taken back, or the loop closed: `PredictorError`."""
        future = self._begun(work)
        recall = recall_in_force() or Recall()
        try:
            with recall.by(future.cancel):
                return future.result()
        except CancelledError as exc:
            why = "taken back" if recall.recalled else "closed"
            raise PredictorError(f"{self._told}: {why}") from exc
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what runs and end the thread, for good."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _begun(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Under the lock, so that whatever has begun is there to be cancelled by `close`."""
        with self._lock:
            if self._closed:
                work.close()
                raise PredictorError(f"{self._told}: closed")
            return asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = Thread(
                target=self._serve, args=(self._loop,), name=self._name, daemon=True
            )
            self._thread.start()
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_all())
            loop.run_until_complete(self._last())
        finally:
            loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
