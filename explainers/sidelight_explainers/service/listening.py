"""Who waits for the explanations of one request: hears of partial ones, and may leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from sidelight_explainers.asking import Watcher
from sidelight_explainers.explanation import Explanation

Hear = Callable[[int, Explanation], None]
"""Told a partial explanation, and which one of the request it is."""


def unheard(_at: int, _partial: Explanation) -> None:
    """Nobody looks before the end."""


@dataclass(frozen=True)
class Listening:
    """Asked from the threads that explain; told to `leave` from anywhere."""

    hear: Hear = unheard
    _left: Event = field(default_factory=Event)

    def of(self, at: int) -> Watcher:
        """The watcher of the explanation at that place."""
        return _Place(self, at)

    def leave(self) -> None:
        """Nobody waits any longer: what still runs ends soon, what has not begun never does."""
        self._left.set()

    def has_left(self) -> bool:
        return self._left.is_set()


@dataclass(frozen=True)
class _Place:
    listening: Listening
    at: int

    def show(self, partial: Explanation) -> None:
        self.listening.hear(self.at, partial)

    def gone(self) -> bool:
        return self.listening.has_left()
