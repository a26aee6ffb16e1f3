"""Notices a partition that stands still though there is something to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidelight.log.contract import Offsets


@dataclass(slots=True)
class _Stand:
    """Where a reader stands, since when with something before it, how long that may last."""

    position: int
    since: float
    patience: float


class Watchdog:
    """One for the partitions of a topic that a process reads.

    A partition may end in records that no reader is ever given (an aborted transaction), which
    looks the same; so each alarm at one place doubles the patience there.
    """

    def __init__(
        self, log: Offsets, topic: str, seconds: float, clock: Callable[[], float]
    ) -> None:
        self.topic = topic
        self.stalled: frozenset[int] = frozenset()
        self._log = log
        self._seconds = seconds
        self._clock = clock
        self._look_at = 0.0
        self._stands: dict[int, _Stand] = {}

    def look(self, positions: Mapping[int, int | None]) -> list[int]:
        """Partitions that have just been found stalled, by what their readers read next.

        None is the position of a reader that is not at work yet.
        """
        now = self._clock()
        if now < self._look_at:
            return []
        self._look_at = now + self._seconds / 10
        found = [at for at, position in positions.items() if self._is_stalled(at, position, now)]
        moving = {at for at, one in self._stands.items() if one.patience == self._seconds}
        self.stalled = (self.stalled | set(found)) - moving
        for away in self._stands.keys() - positions.keys():
            self._stands[away].since = now
        return found

    def _is_stalled(self, partition: int, position: int | None, now: float) -> bool:
        stand = self._stands.get(partition)
        if position is None:
            return False
        if stand is None or stand.position != position:
            self._stands[partition] = _Stand(position, now, self._seconds)
        elif self._log.span(self.topic, partition).end <= position:
            stand.since, stand.patience = now, self._seconds
        elif now - stand.since >= stand.patience:
            stand.since, stand.patience = now, 2 * stand.patience
            return True
        return False
