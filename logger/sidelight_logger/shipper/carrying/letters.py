"""Tells in the log what a sink would not take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sidelight.errors import LogFull, RecordTooLarge, SidelightError
from sidelight.events.deadletters import DeadLetter, dead_letter, to_event
from sidelight.events.records import to_record
from sidelight.log import topics
from sidelight.log.contract import Stored, Writer
from sidelight_logger.shipper.carrying.attempts import attempt
from sidelight_logger.shipper.carrying.patience import Patience


class Letters:
    """Writes dead letters to `log`; `origin` names the log that the records were read from."""

    def __init__(
        self,
        name: str,
        log: Writer,
        origin: str = "",
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._name = name
        self._log = log
        self._origin = origin
        self._clock_ns = clock_ns

    def bury(self, stored: Stored, cause: SidelightError, patience: Patience) -> bool:
        """Whether it could be told: not when the log has no space, or takes no letter at all."""
        letter = dead_letter(
            cause,
            stored.record,
            reporter=f"shipper:{self._name}",
            origin=f"{self._origin}{stored.address}",
            time_ns=self._clock_ns(),
        )
        bare = replace(letter, headers=(), value=b"")
        return any(self._append(one, patience) for one in (letter, bare))

    def _append(self, letter: DeadLetter, patience: Patience) -> bool:
        event = to_event(letter)
        letters = [to_record(event, event.id.encode())]
        try:
            patience.insist(partial(attempt, self._log, topics.DEAD_LETTERS, letters))
        except (LogFull, RecordTooLarge):
            return False
        return True
