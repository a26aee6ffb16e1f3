"""The joiner of one partition of `halves`: reads, folds, says, and commits how far it is.

    append exchanges, append dead letters
    commit(offset, note = what is held)      now and then

After a crash the fold goes on from the note and says the same again under the same numbers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import structlog

from sidelight.errors import MalformedPayload
from sidelight.log.contract import Log, Membership, Position, Stored
from sidelight.log.topics import HALVES, INFERENCE
from sidelight_logger.joiner.fold import TICK, Fold
from sidelight_logger.joiner.identity import Account, Terms
from sidelight_logger.joiner.note import FORMAT, Snapshot, note_of
from sidelight_logger.joiner.outgoing import Outgoing, Told, without_bodies
from sidelight_logger.joiner.reading import RESET, Bookmark, between

REPORTER = "sidelight/joiner"
COMMIT_SECONDS = 2.0
COMMIT_RECORDS = 20_000
"""What is folded again after a crash at most: as many records, or what came in that time."""
TICK_SECONDS = 1.0

logger = structlog.get_logger("sidelight.joiner")


class HalvesPartition:
    """One claim of `halves`. `resume` comes first, then `step` as long as there is time."""

    def __init__(
        self,
        log: Log,
        member: Membership,
        partition: int,
        terms: Terms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bookmark = Bookmark(log, HALVES, partition)
        self.outgoing = Outgoing(log, INFERENCE, REPORTER, without_bodies)
        self.fold = Fold(Account(log.log_id, partition, 0, terms))
        self._log = log
        self._member = member
        self._partition = partition
        self._terms = terms
        self._monotonic = monotonic
        self._committed = 0
        self._committed_at = self._read_at = self._ticked_at = 0.0
        self._known_to = 0

    @property
    def position(self) -> int:
        """The next record to read."""
        return self.bookmark.offset

    def resume(self) -> None:
        """Go on from what is committed."""
        position = self._member.committed(self._partition)
        span = self._log.span(HALVES, self._partition)
        if position is None:
            self._begin(span.begin)
        else:
            self._restore(position)
        self._known_to = span.end
        self._committed = self.bookmark.offset
        self._committed_at = self._read_at = self._ticked_at = self._monotonic()

    def step(self, wait_seconds: float) -> bool:
        """Fold what there is, say what follows; False when there was nothing."""
        self.outgoing.flush()
        resets = self.bookmark.lost[RESET]
        found = self.bookmark.read(wait_seconds)
        if self.bookmark.lost[RESET] > resets:
            self._forget()
        for stored in found:
            self._take(stored)
        self.outgoing.flush()
        if found:
            self._read_at = self._monotonic()
        else:
            self._let_time_pass()
        self._commit_when_due()
        return bool(found)

    def finish(self) -> None:
        """Commit what was folded."""
        self.outgoing.flush()
        if self.bookmark.offset > self._committed:
            self._commit()

    def _begin(self, offset: int) -> None:
        self.bookmark.offset = offset
        self.fold = Fold(Account(self._log.log_id, self._partition, offset, self._terms))

    def _forget(self) -> None:
        """The topic was made anew: what was held is gone, and the numbers go on."""
        before = self.fold
        self.fold = Fold(before.account)
        self.fold.sequence = before.sequence
        self.fold.counts = before.counts + Counter(retired=before.memory.waiting)
        self._committed = -1

    def _restore(self, position: Position) -> None:
        if not position.note:  # Somebody has moved the group by hand.
            self._begin(position.offset)
            return
        snapshot = Snapshot(position.note)
        if snapshot.format > FORMAT:
            logger.warning(
                "state of a newer release left behind, what waited in it is not told",
                partition=self._partition,
                found=snapshot.format,
                read=FORMAT,
            )
            self._begin(position.offset)
            return
        held = between(self._log, HALVES, self._partition, snapshot.first, snapshot.end)
        self.fold = snapshot.restored(self._log.log_id, self._partition, held)
        self.bookmark.offset = position.offset
        if snapshot.format < FORMAT:
            # It may have said other things of the same halves, so its numbers stand for those.
            self.fold.go_on_under(self._terms, position.offset)

    def _take(self, stored: Stored) -> None:
        origin = str(stored.address)
        told = self.fold.advance(stored.appended_ns)
        try:
            told += self.fold.take(stored)
        except MalformedPayload as exc:
            self.outgoing.bury(Told(stored.record, origin, stored.appended_ns), exc)
        for record in told:
            self.outgoing.say(Told(record, origin, stored.appended_ns))

    def _let_time_pass(self) -> None:
        """The log tells no time while nothing is appended, so something is when it is needed."""
        due_ns = self.fold.due_ns
        now = self._monotonic()
        if due_ns is None or now < self._ticked_at + TICK_SECONDS:
            return
        if self.fold.clock_ns + int((now - self._read_at) * 1e9) >= due_ns:
            self._log.append(HALVES, [TICK], partition=self._partition)
            self._ticked_at = now

    def _commit_when_due(self) -> None:
        if self.fold.account.terms != self._terms and self.bookmark.offset >= self._known_to:
            # Whoever was here before may have said all of this under the old terms.
            self.fold.go_on_under(self._terms, self.bookmark.offset)
            self._commit()
            return
        behind = self.bookmark.offset - self._committed
        overdue = self._monotonic() >= self._committed_at + COMMIT_SECONDS
        if behind >= COMMIT_RECORDS or (behind and overdue):
            self._commit()

    def _commit(self) -> None:
        position = Position(self.bookmark.offset, note_of(self.fold))
        self._member.commit({self._partition: position})
        self._committed = self.bookmark.offset
        self._committed_at = self._monotonic()
