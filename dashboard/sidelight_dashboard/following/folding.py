"""What a batch of records of one topic does to the store, and the records nobody can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import apsw
import structlog

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.events.deadletters import from_event
from sidelight.events.records import from_record
from sidelight.log import Stored
from sidelight.log.topics import ALARMS, DEAD_LETTERS, PANES, RESULTS
from sidelight.panes import PaneReader
from sidelight_dashboard.following.alarms import fold_alarm
from sidelight_dashboard.following.letters import fold_letter
from sidelight_dashboard.following.panes import Gathered, accept, flush
from sidelight_dashboard.following.results import fold_result
from sidelight_dashboard.following.wire import read_told

TOPICS = (PANES, RESULTS, ALARMS, DEAD_LETTERS)

logger = structlog.get_logger("sidelight.dashboard")


class Folding:
    """Folds batches, each within a transaction of its caller."""

    def __init__(self, panes: PaneReader, pane_ns: int) -> None:
        self._panes = panes
        self._pane_ns = pane_ns

    def fold(self, series: apsw.Connection, batch: Sequence[Stored]) -> None:
        """Records of one topic; those that cannot be read are counted and passed by."""
        gathered = Gathered(self._pane_ns)
        if batch[0].address.topic == PANES:
            fold_one = self._pane(gathered)
        else:
            fold_one = _FOLDS[batch[0].address.topic]
        for stored in batch:
            try:
                fold_one(series, stored)
            except (MalformedPayload, DataMismatch) as exc:
                _pass_by(series, stored, exc)
        if unadded := flush(series, self._panes, gathered):
            logger.warning("parts of panes do not add up with their plan's", parts=unadded)

    def _pane(self, gathered: Gathered) -> Callable[[apsw.Connection, Stored], None]:
        def fold_one(series: apsw.Connection, stored: Stored) -> None:
            pane = self._panes.read(stored.record)
            if accept(series, pane, stored.appended_ns):
                gathered.add(pane)

        return fold_one


def _result(series: apsw.Connection, stored: Stored) -> None:
    event = from_record(stored.record)
    fold_result(series, read_told(event, stored.address, stored.appended_ns))


def _alarm(series: apsw.Connection, stored: Stored) -> None:
    event = from_record(stored.record)
    fold_alarm(series, read_told(event, stored.address, stored.appended_ns))


def _letter(series: apsw.Connection, stored: Stored) -> None:
    fold_letter(series, from_event(from_record(stored.record)))


_FOLDS: Mapping[str, Callable[[apsw.Connection, Stored], None]] = {
    RESULTS: _result,
    ALARMS: _alarm,
    DEAD_LETTERS: _letter,
}


def _pass_by(series: apsw.Connection, stored: Stored, cause: Exception) -> None:
    at = stored.address
    logger.warning("record passed by", address=str(at), reason=str(cause)[:500])
    series.execute(
        "INSERT INTO unreadable VALUES (?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET"
        " count = count + 1, newest = excluded.newest, reason = excluded.reason",
        (at.topic, at.partition, str(at), str(cause)[:500]),
    )
