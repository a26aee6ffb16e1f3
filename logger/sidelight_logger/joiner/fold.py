"""One partition of `halves`, folded into exchanges.

No I/O and no clock: time is the append time of the log, so what is said is a function of the log's
content, from the start or from any snapshot. Where nothing comes, a tick in the log lets time pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from sidelight.errors import MalformedPayload
from sidelight.events import records
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.halves import Feedback, Half, exchange_of, recognised
from sidelight.events.ids import derived_id
from sidelight.log.contract import Address, Record, Stored
from sidelight.log.topics import HALVES
from sidelight.protocols.describing import described
from sidelight_logger.joiner.identity import Account, Terms, digest_of
from sidelight_logger.joiner.memory import Held, Memory
from sidelight_logger.joiner.origin import Origins, origin_of

TICK = Record(b"", b"", (("sidelight-tick", b"1"),))
"""Says only that time has passed."""

EXPIRED, CROWDED, DISPUTED = "expired", "crowded", "disputed"
UNPAIRED = (EXPIRED, CROWDED, DISPUTED)
"""Why a half is told alone: its time to live was over; bytes had to be freed; or its id stands for
several exchanges at once (two requests, two answers, an answer from before the request), and which
belong together nobody can say."""

OUTCOMES = ("paired", *UNPAIRED, "duplicate", "repeated", "passed", "feedback", "malformed")
"""What became of a record: half of a pair; told alone; sent twice by its sender; carried twice by
an importer; an exchange or feedback that needs no pairing; nothing that is read."""


class Fold:
    """`advance` and `take` come for each record in turn; both return what is to be appended.

    `sequence` numbers it under the account's name, so whoever reads it twice counts it once.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.sequence = 0
        self.clock_ns = 0
        self.memory = Memory()
        self.origins = Origins({})
        self.counts: Counter[str] = Counter()

    @property
    def due_ns(self) -> int | None:
        """When the half that waits longest is given up, by the log's clock; None if none waits."""
        longest = self.memory.longest_waiting
        return None if longest is None else longest.time_ns + self.account.terms.ttl_ns

    def go_on_under(self, terms: Terms, offset: int) -> None:
        """From `offset` on other terms hold, and numbers of another account."""
        account = self.account
        self.account = Account(account.log_id, account.partition, offset, terms)
        self.sequence = 0

    def advance(self, time_ns: int) -> list[Record]:
        """The log's clock has come to `time_ns`: what waited too long is told alone."""
        self.clock_ns = max(self.clock_ns, time_ns)
        return list(self._leave(self._is_over, EXPIRED))

    def take(self, stored: Stored) -> list[Record]:
        """One more record; `MalformedPayload` when it holds nothing that is read."""
        if stored.record.headers == TICK.headers:
            return []
        if not self.origins.is_new(origin_of(stored.record.headers)):
            self.counts["repeated"] += 1
            return []
        try:
            found = recognised(stored.record)
        except MalformedPayload:
            self.counts["malformed"] += 1
            raise
        return self._take(found, stored)

    def _take(self, found: Half | Feedback | Exchange, stored: Stored) -> list[Record]:
        digest = digest_of(found, stored.record)
        if digest in self.memory:
            self.counts["duplicate"] += 1
            return []
        key = found.pair_key if isinstance(found, Half) else ()
        held = Held(stored.address.offset, self.clock_ns, key)
        self.memory.know(digest, held)
        return [*self._tell(found, held), *self._leave(self._is_crowded, CROWDED)]

    def _tell(self, found: Half | Feedback | Exchange, held: Held) -> Iterator[Record]:
        match found:
            case Half():
                yield from self._pair(found, held)
            case Feedback():
                self.counts["feedback"] += 1
                yield self._numbered_feedback(found)
            case Exchange():
                self.counts["passed"] += 1
                yield self._numbered(found, found.extensions)

    def _pair(self, half: Half, held: Held) -> Iterator[Record]:
        other = self.memory.waiting_for(held.key)
        if other is None:
            self.memory.wait(held, half)
        elif other.half is None or not half.fits(other.half):
            yield from self._dispute(half, held, other)
        else:
            self.counts["paired"] += 2
            yield self._joined(other, other.half, held, half)
            self.memory.settle(other)

    def _dispute(self, half: Half, held: Held, other: Held) -> Iterator[Record]:
        if other.half is not None:
            yield self._alone(other, other.half, DISPUTED)
        self.memory.settle(other)
        yield self._alone(held, half, DISPUTED)
        self.memory.dispute(held)

    def _leave(self, must_go: Callable[[Held], bool], reason: str) -> Iterator[Record]:
        while (held := self.memory.oldest) and must_go(held):
            if half := self.memory.forget_oldest():
                yield self._alone(held, half, reason)

    def _is_over(self, held: Held) -> bool:
        return held.time_ns + self.account.terms.ttl_ns <= self.clock_ns

    def _is_crowded(self, _: Held) -> bool:
        return self.memory.bytes > self.account.terms.max_bytes

    def _joined(self, first: Held, half: Half, second: Held, other: Half) -> Record:
        exchange = self._exchange(first, half, other)
        addresses = f"{self._address(first)},{self._address(second)}"
        return self._marked(exchange, {"halves": addresses})

    def _alone(self, held: Held, half: Half, reason: str) -> Record:
        self.counts[reason] += 1
        marks = {"halves": str(self._address(held)), "unpaired": reason}
        return self._marked(self._exchange(held, half), marks)

    def _exchange(self, first: Held, half: Half, other: Half | None = None) -> Exchange:
        """Named after where its first half stands: no client chooses that."""
        id_ = derived_id(first.time_ns, self.account.log_id, str(self._address(first)))
        exchange = exchange_of(half, other, exchange_id=id_, received_ns=first.time_ns)
        return described(exchange, *(one for one in (half, other) if one))

    def _marked(self, exchange: Exchange, marks: dict[str, str]) -> Record:
        return self._numbered(exchange, {**exchange.extensions, **marks})

    def _numbered(self, exchange: Exchange, extensions: Mapping[str, str]) -> Record:
        self.sequence += 1
        return to_record(
            replace(
                exchange,
                log_id=self.account.name,
                sequence=self.sequence,
                extensions=extensions,
            )
        )

    def _numbered_feedback(self, feedback: Feedback) -> Record:
        self.sequence += 1
        number = {"logid": self.account.name, "sequence": f"{self.sequence:020d}"}
        extensions = {**feedback.event.extensions, **number}
        event = replace(feedback.event, extensions=extensions)
        return records.to_record(event, feedback.pair_id.encode())

    def _address(self, held: Held) -> Address:
        return Address(HALVES, self.account.partition, held.offset)
