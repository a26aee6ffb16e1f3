"""The importer: records of one foreign partition, as far as policy lets them, under keys that bring
halves together, with where they came from beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sidelight.errors import MalformedPayload
from sidelight.events.halves import kind_and_key, recognised
from sidelight.log.contract import Log, Membership, Position, Stored
from sidelight.log.topics import HALVES
from sidelight_logger.joiner.origin import Origin, marked
from sidelight_logger.joiner.outgoing import Outgoing, Told
from sidelight_logger.joiner.reading import RESET, Bookmark
from sidelight_logger.joiner.withholding import Withholding
from sidelight_logger.policy.policy import Policy

REPORTER = "sidelight/joiner/importer"

EVERYTHING = Policy()

OUTCOMES = ("request", "response", "exchange", "feedback", "malformed")
"""What a foreign record turned out to be."""


@dataclass(frozen=True)
class Source:
    """A foreign topic. `identity` tells it from one of the same name that is made after it."""

    log: Log
    topic: str
    identity: Callable[[], str]


class ForeignPartition:
    """One claim of the foreign topic. `resume` comes first, then `step` while there is time.

        append halves, append dead letters, commit

    Repeated after a crash, it carries the same records again: their origin tells.
    """

    def __init__(
        self,
        source: Source,
        log: Log,
        member: Membership,
        partition: int,
        policy: Policy = EVERYTHING,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.withholding = Withholding(policy, lambda: log.log_id)
        self.bookmark = Bookmark(source.log, source.topic, partition)
        self.outgoing = Outgoing(log, HALVES, REPORTER, lambda _: None)
        self._source = source
        self._member = member
        self._partition = partition
        self._identity = ""

    @property
    def position(self) -> int:
        """The next record to read."""
        return self.bookmark.offset

    def resume(self) -> None:
        """Go on where the group stands, from the beginning in a topic that it does not know."""
        self._identity = self._source.identity()
        position = self._member.committed(self._partition)
        if position is None or position.note.decode() != self._identity:
            span = self._source.log.span(self._source.topic, self._partition)
            position = Position(span.begin)
        self.bookmark.offset = position.offset

    def step(self, wait_seconds: float) -> bool:
        """Carry what there is; False when there was nothing."""
        self.outgoing.flush()
        resets = self.bookmark.lost[RESET]
        found = self.bookmark.read(wait_seconds)
        if self.bookmark.lost[RESET] > resets:
            self.resume()
        if not found:
            return False
        for stored in found:
            self._take(stored)
        self.outgoing.flush()
        position = Position(self.bookmark.offset, self._identity.encode())
        self._member.commit({self._partition: position})
        return True

    def finish(self) -> None:
        """Nothing is open between two steps."""

    def _take(self, stored: Stored) -> None:
        place, time_ns = str(stored.address), stored.appended_ns
        try:
            found = recognised(stored.record)
        except MalformedPayload as exc:
            self.counts["malformed"] += 1
            record, cause = self.withholding.shown(stored.record, exc)
            self.outgoing.bury(Told(record, place, time_ns), cause)
            return
        kind, _ = kind_and_key(found)
        self.counts[kind] += 1
        kept = self.withholding.kept(found, stored.record)
        if kept is not None:
            origin = Origin(f"{self._identity}/{self._partition}", stored.address.offset)
            self.outgoing.say(Told(marked(kept, origin), place, time_ns))
