"""Work that must not run on the event loop, in a bounded number of threads with a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sidelight.serving.refusals import Busy

T = TypeVar("T")


class Workers:
    """Runs functions for coroutines; what neither runs nor waits is refused with `Busy`."""

    def __init__(self, workers: int, waiting: int, name: str = "work") -> None:
        self._workers = workers
        self._capacity = workers + waiting
        self._pool: ThreadPoolExecutor | None = None
        self._taken = 0
        self._name = name

    async def run(self, work: Callable[[], T]) -> T:
        """The function's result. A caller that leaves does not free its place before the end."""
        (result,) = await self.run_all([work])
        return result

    async def run_all(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """The results in order, or the first error; all are taken, or none.

        When nothing else is under way they are taken however many they are.
        """
        if self._taken and self._taken + len(works) > self._capacity:
            raise Busy(f"{self._taken} requests are under way or wait; try again later")
        results = asyncio.gather(*map(self._begun, works))
        results.add_done_callback(_seen)
        return await asyncio.shield(results)

    def close(self) -> None:
        """Wait for what runs, forget what waits."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _begun(self, work: Callable[[], T]) -> asyncio.Future[T]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix=self._name)
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        self._taken += 1
        future.add_done_callback(self._free)
        return future

    def _free(self, future: asyncio.Future[T]) -> None:
        self._taken -= 1
        _seen(future)


def _seen(future: asyncio.Future[Any]) -> None:
    """An error left behind by a caller who went away is not reported as lost."""
    if not future.cancelled():
        future.exception()
