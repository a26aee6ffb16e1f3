"""What of a partition goes to the sink next: read ahead of the cursor, and chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidelight.log.contract import Reader, Stored
from sidelight.log.topics import INFERENCE
from sidelight_logger.shipper.carrying.choosing import Choice

_BYTES = 8 << 20
"""Of one delivery, but for its last record."""
_RECORDS = 20_000
"""Held at most, with those left out, of which only the number is kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record of the log; `reason` says why it is left out, and then it is not `stored`."""

    offset: int
    stored: Stored | None
    reason: str = ""


class Gathering:
    """Holds what was read until it makes a delivery of `at_once`, or `seconds` are over.

    What is held lies behind the cursor: who ends now loses nothing.
    """

    def __init__(
        self,
        log: Reader,
        partition: int,
        choice: Choice,
        at_once: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._partition = partition
        self._choice = choice
        self._at_once = at_once
        self._seconds = seconds
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._found: list[Found] = []
        self._wanted = 0
        self._bytes = 0
        self._due = 0.0

    @property
    def holds(self) -> bool:
        return bool(self._found)

    def fill(self, cursor: int) -> bool:
        """Read on, from the cursor when nothing is held; whether anything came.

        Raises `OffsetOutOfRange` when what follows is gone.
        """
        came = self._log.read(
            INFERENCE,
            self._partition,
            self._found[-1].offset + 1 if self._found else cursor,
            max_records=self._at_once - self._wanted,
            max_bytes=_BYTES - self._bytes,
        )
        for stored in came:
            self._add(stored)
        return bool(came)

    def release(self, *, at_end: bool) -> Sequence[Found]:
        """What is to be carried now; nothing while more may come to go with it.

        `at_end` says that nothing more will: a stop, or a gap.
        """
        if not (at_end or self._is_full() or self._clock() >= self._due):
            return ()
        found = self._found
        self._reset()
        return found

    def _add(self, stored: Stored) -> None:
        reason = self._choice(stored.record)
        self._found.append(Found(stored.address.offset, None if reason else stored, reason))
        if reason:
            return
        if not self._wanted:
            self._due = self._clock() + self._seconds
        self._wanted += 1
        self._bytes += len(stored.record.value)

    def _is_full(self) -> bool:
        reached = self._wanted >= self._at_once or self._bytes >= _BYTES
        return reached or len(self._found) >= _RECORDS
