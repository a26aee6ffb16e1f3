"""Taking a call back while it waits for its answer, from another thread.

Whoever sends a call says with what it can be taken back; a predictor in whose call this is in
force (`recalling`) hands its connection's own way of stopping to `Recall.by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Lock


class Recall:
    """One call, which nobody may want any longer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._event = Event()
        self._stops: dict[object, Callable[[], object]] = {}

    @property
    def recalled(self) -> bool:
        return self._event.is_set()

    def call_back(self) -> None:
        """Stop whatever is under way for this call, and what begins later."""
        with self._lock:
            self._event.set()
            stops = list(self._stops.values())
        for stop in stops:
            stop()

    @contextmanager
    def by(self, stop: Callable[[], object]) -> Iterator[None]:
        """While the block runs, calling back calls `stop`; at once, if that has happened already.

        `stop` must not block, and may be called after the end of what it stops.
        """
        token = object()
        with self._lock:
            self._stops[token] = stop
            late = self._event.is_set()
        if late:
            stop()
        try:
            yield
        finally:
            with self._lock:
                del self._stops[token]

    def pause(self, seconds: float) -> None:
        """Sleep, no longer than until the call is taken back."""
        self._event.wait(seconds)


_in_force: ContextVar[Recall | None] = ContextVar("recalling", default=None)


@contextmanager
def recalling(recall: Recall) -> Iterator[None]:
    """What this thread or task asks of a predictor can be taken back with that."""
    token = _in_force.set(recall)
    try:
        yield
    finally:
        _in_force.reset(token)


def recall_in_force() -> Recall | None:
    """What can take back the call that is made now; None where nothing can."""
    return _in_force.get()
