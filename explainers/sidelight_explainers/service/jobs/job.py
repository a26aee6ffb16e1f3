"""One request's explanations, whoever looks at them, while they become known.

All of it belongs to the event loop; only what `Job.hear` gives is told things from the threads that
explain.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.listening import Listening
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.wires.dialect import Dialect

State = Literal["running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Seen:
    """The newest of one of the job's explanations; `number` grows with each that is told."""

    number: int
    explanation: Explanation


@dataclass(eq=False)
class Job:
    """A plan under way: `seen` are the newest explanations by their place in the request."""

    plan: Plan
    dialect: Dialect
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    began: float = field(default_factory=time.time)
    state: State = "running"
    ended: float | None = None
    error: BaseException | None = None
    explanations: list[Explanation] = field(default_factory=list)
    seen: dict[int, Seen] = field(default_factory=dict)
    size: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, loop: asyncio.AbstractEventLoop) -> Listening:
        """What the threads that explain tell the job, on the event loop."""

        def tell(at: int, partial: Explanation) -> None:
            loop.call_soon_threadsafe(self._see, at, partial)

        return Listening(tell)

    def end(self, state: State, error: BaseException | None = None) -> None:
        """The last thing that happens to it."""
        self.state, self.error, self.ended = state, error, time.time()
        self.plan = self.plan.without_rows()
        self._tell()

    async def changes(self) -> AsyncIterator[None]:
        """Once now, and after each change, until it has ended; what comes too fast is one."""
        while True:
            changed = self._changed
            yield
            if self.state != "running":
                return
            await changed.wait()

    async def finished(self) -> None:
        async for _ in self.changes():
            pass

    def _see(self, at: int, partial: Explanation) -> None:
        if self.state == "running":
            number = self.seen[at].number + 1 if at in self.seen else 1
            self.seen[at] = Seen(number, partial)
            self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
