"""What was told to whom, in `kept.db`: nothing is told twice, nor forgotten over a restart."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_dashboard.delivering.notice import Notice, packed, unpacked
from sidelight_dashboard.store.opening import Store

_SINCE = "since"
"""Stands in the place of a change: from when on a receiver is told of alarms."""


@dataclass(frozen=True, slots=True)
class Due:
    """A change that waits: how often it was tried, and since when it waits (machine's clock)."""

    notice: Notice
    tries: int
    since_ns: int


class Book:
    """Of one receiver. Its times are this machine's clock."""

    def __init__(self, store: Store, receiver: str) -> None:
        self._file = store.kept
        self._receiver = receiver

    def since_ns(self, now_ns: int) -> int:
        """When this receiver was first served."""
        with self._file.writing() as kept:
            kept.execute(
                "INSERT OR IGNORE INTO delivery VALUES (?, '', ?, 'taken', 0, ?, ?, '', x'')",
                (self._receiver, _SINCE, now_ns, now_ns),
            )
        ((found,),) = self._file.rows(
            "SELECT since_ns FROM delivery WHERE receiver = ? AND change = ?",
            (self._receiver, _SINCE),
        )
        return int(found)

    def known(self) -> set[tuple[str, str]]:
        """Alarms and changes that it was told, or will be."""
        return set(
            self._file.rows(
                "SELECT alarm, change FROM delivery WHERE receiver = ?", (self._receiver,)
            )
        )

    def enter(self, notice: Notice, now_ns: int) -> None:
        """It waits to be told from now on; once known it stays as it is."""
        with self._file.writing() as kept:
            kept.execute(
                "INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, 'waiting', 0, ?, ?, '', ?)",
                (self._receiver, notice.alarm, notice.state, now_ns, now_ns, packed(notice)),
            )

    def due(self, now_ns: int) -> list[Due]:
        """The oldest first; of an alarm that was raised and cleared only the first of the two."""
        found = self._file.rows(_DUE, {"receiver": self._receiver, "now": now_ns})
        return [Due(unpacked(data), tries, since_ns) for data, tries, since_ns in found]

    def raised(self) -> dict[str, Notice]:
        """Alarms that it has taken and that were not told to be over."""
        found = self._file.rows(_RAISED, {"receiver": self._receiver})
        return {alarm: unpacked(data) for alarm, data in found}

    def waiting(self) -> int:
        ((count,),) = self._file.rows(
            "SELECT count(*) FROM delivery WHERE receiver = ? AND state = 'waiting'",
            (self._receiver,),
        )
        return int(count)

    def taken(self, notice: Notice, now_ns: int) -> None:
        self._end(notice, "taken", "", now_ns)

    def given_up(self, notice: Notice, error: str, now_ns: int) -> None:
        self._end(notice, "given up", error, now_ns)

    def failed(self, notice: Notice, due_ns: int, error: str) -> None:
        """To be tried again then."""
        with self._file.writing() as kept:
            kept.execute(
                "UPDATE delivery SET tries = tries + 1, due_ns = ?, error = ?"
                " WHERE (receiver, alarm, change) = (?, ?, ?)",
                (due_ns, error, self._receiver, notice.alarm, notice.state),
            )

    def forget(self, before_ns: int) -> None:
        """What ended before that time, unless it may still be told to be over."""
        with self._file.writing() as kept:
            kept.execute(_FORGET, {"receiver": self._receiver, "before": before_ns})

    def _end(self, notice: Notice, state: str, error: str, now_ns: int) -> None:
        with self._file.writing() as kept:
            kept.execute(
                "UPDATE delivery SET tries = tries + 1, state = ?, due_ns = ?, error = ?"
                " WHERE (receiver, alarm, change) = (?, ?, ?)",
                (state, now_ns, error, self._receiver, notice.alarm, notice.state),
            )


_DUE = """
SELECT data, tries, since_ns FROM delivery AS one
WHERE receiver = :receiver AND state = 'waiting' AND due_ns <= :now
  AND NOT (change = 'cleared' AND EXISTS (
    SELECT 1 FROM delivery AS first WHERE first.receiver = one.receiver
      AND first.alarm = one.alarm AND first.change = 'raised' AND first.state = 'waiting'))
ORDER BY since_ns, change DESC
"""

_RAISED = """
SELECT alarm, data FROM delivery AS one
WHERE receiver = :receiver AND change = 'raised' AND state = 'taken'
  AND NOT EXISTS (SELECT 1 FROM delivery AS last WHERE last.receiver = one.receiver
    AND last.alarm = one.alarm AND last.change = 'cleared')
ORDER BY since_ns
"""

_FORGET = """
DELETE FROM delivery WHERE receiver = :receiver AND change != 'since' AND alarm IN (
  SELECT alarm FROM delivery WHERE receiver = :receiver AND change = 'cleared'
    AND state != 'waiting' AND since_ns < :before)
"""
