"""What became of every record up to a cursor; kept as the note of the group's position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import orjson

from sidelight.log.contract import Position
from sidelight.log.local.shelf import LEAP


@dataclass(frozen=True, slots=True)
class Ledger:
    """For one partition: cursor = first + delivered + dead-lettered + dropped + left out, always.

    `first` is where the group began; `left_out` are those that the sink is not meant to get, by
    reason; `reduced` those of the delivered that went without their bodies. Offset and ledger are
    committed in one step, so a crash loses neither and counts nothing twice.
    """

    first: int
    delivered: int = 0
    dead_lettered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    reduced: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def cursor(self) -> int:
        unsent = sum(self.dropped.values()) + sum(self.left_out.values())
        return self.first + self.delivered + self.dead_lettered + unsent

    def deliver(self) -> Ledger:
        return replace(self, delivered=self.delivered + 1)

    def deliver_reduced(self, reason: str) -> Ledger:
        return replace(self, delivered=self.delivered + 1, reduced=_more(self.reduced, reason, 1))

    def bury(self) -> Ledger:
        return replace(self, dead_lettered=self.dead_lettered + 1)

    def drop(self, reason: str, records: int = 1) -> Ledger:
        return replace(self, dropped=_more(self.dropped, reason, records))

    def skip_to(self, offset: int, reason: str) -> Ledger:
        """What the log lacks before that offset is dropped; where it leapt, nothing ever stood."""
        leaps, lacking = divmod(offset - self.cursor, LEAP)
        moved = replace(self, first=self.first + leaps * LEAP)
        return moved.drop(reason, lacking) if lacking else moved

    def waiting(self, end: int) -> int:
        """Records up to that end which are still to be carried."""
        return (end - self.cursor) % LEAP

    def leave_out(self, reason: str) -> Ledger:
        return replace(self, left_out=_more(self.left_out, reason, 1))

    def begin_again(self, cursor: int) -> Ledger:
        """The log was made anew and begins at `cursor`; what was counted stays."""
        return replace(self, first=self.first + cursor - self.cursor)

    def position(self) -> Position:
        # What is empty is left out, so a release that does not know of it yet can read the rest.
        told = {name: value for name, value in asdict(self).items() if value != {}}
        return Position(self.cursor, orjson.dumps(told))


def _more(counts: Mapping[str, int], reason: str, records: int) -> Mapping[str, int]:
    return {**counts, reason: counts.get(reason, 0) + records}


def ledger_of(position: Position | None, begin: int) -> Ledger:
    """The ledger of a committed position; a new one from `begin` when there is none."""
    if position is None:
        return Ledger(begin)
    return Ledger(**orjson.loads(position.note))
