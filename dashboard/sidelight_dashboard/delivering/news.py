"""What a receiver should know: which changes of alarms are news to it, and which alarms stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight_dashboard.delivering.book import Book
from sidelight_dashboard.delivering.notice import State, notice_of
from sidelight_dashboard.delivering.receiver import Receiver
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS


@dataclass(frozen=True, slots=True)
class _Alarm:
    id: str
    model: str
    detector: str
    appended_ns: int
    cleared_ns: int | None


class News:
    """A receiver that is new is told of what stands, and of what comes; not of the past."""

    def __init__(self, showing: Showing, receiver: Receiver, book: Book) -> None:
        self._showing = showing
        self._receiver = receiver
        self._book = book

    def enter(self, now_ns: int) -> None:
        """All that is not in the book yet; an alarm that cannot be told holds up no other."""
        keep_ns = int(self._showing.settings.dashboard.keep_seconds * NS)
        known = self._book.known()
        # what the book has forgotten is no news again
        since_ns = max(self._book.since_ns(now_ns), now_ns - keep_ns)
        untold = []
        for alarm in self._alarms():
            for state in _changes(alarm, known, since_ns):
                try:
                    self._book.enter(notice_of(self._showing, alarm.id, state), now_ns)
                except Exception as exc:
                    untold.append(exc)
        self._book.forget(now_ns - keep_ns)
        if untold:
            raise untold[0]

    def standing(self) -> frozenset[str]:
        """Ids of the alarms that are raised and not cleared."""
        return frozenset(one.id for one in self._alarms() if one.cleared_ns is None)

    def _alarms(self) -> Iterator[_Alarm]:
        found = self._showing.store.series.rows(
            "SELECT id, model, detector, appended_ns, cleared_ns FROM alarm ORDER BY appended_ns"
        )
        alarms = (_Alarm(*row) for row in found)
        return (one for one in alarms if self._receiver.wants(one.model, one.detector))


def _changes(alarm: _Alarm, known: set[tuple[str, str]], since_ns: int) -> Iterator[State]:
    """Told to be over is only what was told to be raised."""
    is_over = alarm.cleared_ns is not None
    was_told = (alarm.id, "raised") in known
    is_news = not was_told and (not is_over or alarm.appended_ns >= since_ns)
    if is_news:
        yield "raised"
    if is_over and (was_told or is_news) and (alarm.id, "cleared") not in known:
        yield "cleared"
