"""The end of the service: what is under way then has a while, and is refused when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sidelight.serving.refusals import Busy

T = TypeVar("T")


class Stopping(Busy):
    """The service ends before the answer; another one of its kind may give it."""


@dataclass(eq=False)
class Closing:
    """`begun` when the service is told to stop. It all belongs to the event loop."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False
    _under_way: set[asyncio.Future[Any]] = field(default_factory=set)

    def begin(self, seconds: float) -> None:
        """Requests under way have so long."""
        self.begun.set()
        asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Refuse what is still under way."""
        self._is_over = True
        for work in self._under_way:
            work.cancel()

    async def unless_over(self, work: Awaitable[T]) -> T:
        """The result; raises `Stopping` when the service ends before."""
        working = asyncio.ensure_future(work)
        self._under_way.add(working)
        try:
            return await working
        except asyncio.CancelledError:
            if self._is_over:
                raise Stopping("the service is stopping; ask again") from None
            raise
        finally:
            self._under_way.discard(working)
