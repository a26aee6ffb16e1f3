"""What was found damaged, for whoever asks: a list, and a warning in the service's own log."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import structlog

from sidelight.log.local.shelf import Shelf

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Damage:
    """Offsets `begin` up to, not including, `end` of a partition are lost, or may be.

    Where the end of what was acknowledged is unknown, `end` lies far above it: the offsets in
    between are never given again. `kept` is where the damaged file was moved, empty without one.
    """

    topic: str
    partition: int
    begin: int
    end: int
    cause: str
    kept: str = ""


class Damages:
    """What this process has found, each range once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], Damage] = {}
        self._lock = Lock()

    def report(self, shelf: Shelf, begin: int, end: int, cause: str, kept: str = "") -> None:
        damage = Damage(shelf.topic, shelf.partition, begin, end, cause, kept)
        with self._lock:
            known = self._found.setdefault((shelf.topic, shelf.partition, begin), damage)
        if known is damage:
            _log.warning(
                "log damaged",
                topic=damage.topic,
                partition=damage.partition,
                begin=begin,
                end=end,
                cause=cause,
                kept=kept,
            )

    def all(self) -> tuple[Damage, ...]:
        with self._lock:
            return tuple(self._found.values())
