"""What a partition has to say, kept until the log has it, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sidelight.errors import MalformedPayload, RecordTooLarge, SidelightError
from sidelight.events import deadletters, exchanges, records
from sidelight.events.exchange import Body
from sidelight.log.contract import Record, Writer
from sidelight.log.topics import DEAD_LETTERS

CUT, BURIED = "cut", "buried"
REDUCED = (CUT, BURIED)
"""What becomes of a record that its topic does not take: without its bodies, or a dead letter."""


@dataclass(frozen=True, slots=True)
class Told:
    """A record to append, and what it comes from: an address, and its time."""

    record: Record
    origin: str
    time_ns: int


class Outgoing:
    """Records for one topic, and dead letters. After an error nothing is known of what was being
    appended, so it is all appended again; whoever reads skips the numbers that it knows.

    `smaller` gives what to append in place of a record that is too large, None for nothing.
    """

    def __init__(
        self, log: Writer, topic: str, reporter: str, smaller: Callable[[Record], Record | None]
    ) -> None:
        self.reduced: Counter[str] = Counter()
        self._log = log
        self._topic = topic
        self._reporter = reporter
        self._smaller = smaller
        self._told: list[Told] = []
        self._letters: list[Record] = []

    def say(self, told: Told) -> None:
        self._told.append(told)

    def bury(self, told: Told, cause: SidelightError) -> None:
        """Say a dead letter instead."""
        letter = deadletters.dead_letter(
            cause, told.record, reporter=self._reporter, origin=told.origin, time_ns=told.time_ns
        )
        event = deadletters.to_event(letter)
        self._letters.append(records.to_record(event, event.id.encode()))

    def flush(self) -> None:
        """Append all; when it fails, all is kept for the next time."""
        self._append(self._told)
        self._told.clear()
        if self._letters:
            self._log.append(DEAD_LETTERS, self._letters)
            self._letters.clear()

    def _append(self, told: Sequence[Told]) -> None:
        if not told:
            return
        try:
            self._log.append(self._topic, [one.record for one in told])
        except RecordTooLarge as cause:
            half = len(told) // 2
            if half:
                # Until the one stands alone; what is sent twice is skipped by whoever reads.
                self._append(told[:half])
                self._append(told[half:])
            else:
                self._reduce(told[0], cause)

    def _reduce(self, told: Told, cause: RecordTooLarge) -> None:
        smaller = self._smaller(told.record)
        if smaller is None:
            self.reduced[BURIED] += 1
            self.bury(told, cause)
        else:
            self.reduced[CUT] += 1
            self._append([replace(told, record=smaller)])


def without_bodies(record: Record) -> Record | None:
    """The exchange without what was said in it; None when there is nothing to cut."""
    try:
        exchange = exchanges.from_record(record)
    except MalformedPayload:
        return None
    if not (exchange.request.content or exchange.response.content):
        return None
    cut = replace(exchange, request=_cut(exchange.request), response=_cut(exchange.response))
    return exchanges.to_record(cut)


def _cut(body: Body) -> Body:
    return replace(body, content=b"", truncated=True) if body.content else body
