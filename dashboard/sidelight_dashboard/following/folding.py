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
from sidelight_dashboard.following.panes import Gathered, accept
from sidelight_dashboard.following.results import fold_result
from sidelight_dashboard.following.strangest import Whiles
from sidelight_dashboard.following.wire import Told, read_told

TOPICS = (PANES, RESULTS, ALARMS, DEAD_LETTERS)

UNREADABLE = (MalformedPayload, DataMismatch, apsw.ConstraintError, apsw.TooBigError, OverflowError)
"""What is wrong with a record, not with the store."""

logger = structlog.get_logger("sidelight.dashboard")


def fold(series: apsw.Connection, batch: Sequence[Stored], panes: PaneReader, pane_ns: int) -> None:
    """Records of one topic; those that cannot be read are counted and passed by."""
    topic = batch[0].address.topic
    if topic == PANES:
        _fold_panes(series, batch, panes, Gathered(pane_ns))
    elif topic == RESULTS:
        _fold_results(series, batch, Whiles())
    else:
        _fold_each(series, batch, _FOLDS[topic])


def _fold_panes(
    series: apsw.Connection, batch: Sequence[Stored], panes: PaneReader, gathered: Gathered
) -> None:
    def fold_one(series: apsw.Connection, stored: Stored) -> None:
        pane = panes.read(stored.record)
        if accept(series, pane, stored.appended_ns):
            gathered.add(pane)

    _fold_each(series, batch, fold_one)
    if left_out := gathered.flush(series, panes):
        logger.warning("parts of panes do not add up with their plan's", parts=left_out)


def _fold_results(series: apsw.Connection, batch: Sequence[Stored], whiles: Whiles) -> None:
    def fold_one(series: apsw.Connection, stored: Stored) -> None:
        told = _told(stored)
        fold_result(series, told)
        whiles.see(told)

    _fold_each(series, batch, fold_one)
    whiles.bound(series)


def _fold_each(
    series: apsw.Connection,
    batch: Sequence[Stored],
    fold_one: Callable[[apsw.Connection, Stored], None],
) -> None:
    refused = [
        (stored, cause)
        for stored in batch
        if (cause := _refusal(series, stored, fold_one)) is not None
    ]
    if refused:
        _pass_by(series, refused)


def _refusal(
    series: apsw.Connection,
    stored: Stored,
    fold_one: Callable[[apsw.Connection, Stored], None],
) -> Exception | None:
    """Why the record was not folded: then nothing of it was."""
    try:
        with series:
            fold_one(series, stored)
    except UNREADABLE as exc:
        return exc
    return None


def _told(stored: Stored) -> Told:
    return read_told(from_record(stored.record), stored.address, stored.appended_ns)


_FOLDS: Mapping[str, Callable[[apsw.Connection, Stored], None]] = {
    ALARMS: lambda series, stored: fold_alarm(series, _told(stored)),
    DEAD_LETTERS: lambda series, stored: fold_letter(
        series, from_event(from_record(stored.record))
    ),
}


def _pass_by(series: apsw.Connection, refused: Sequence[tuple[Stored, Exception]]) -> None:
    newest, cause = refused[-1]
    at, reason = newest.address, f"{type(cause).__name__}: {cause}"[:500]
    logger.warning("records passed by", count=len(refused), newest=str(at), reason=reason)
    series.execute(
        "INSERT INTO unreadable (topic, partition, count, newest, reason) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET"
        " count = count + excluded.count, newest = excluded.newest, reason = excluded.reason",
        (at.topic, at.partition, len(refused), str(at), reason),
    )
