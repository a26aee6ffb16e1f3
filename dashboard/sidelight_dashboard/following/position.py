"""Of which log, and how far, the store is a fold."""

from __future__ import annotations

import apsw
import structlog

from sidelight.errors import OffsetOutOfRange
from sidelight.log.topics import DEAD_LETTERS
from sidelight_dashboard.following.folding import TOPICS
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.store.rows import put

logger = structlog.get_logger("sidelight.dashboard")


def position(store: Store, topic: str, partition: int) -> int:
    """The next offset to read."""
    query = "SELECT offset FROM position WHERE (topic, partition) = (?, ?)"
    known = store.series.rows(query, (topic, partition))
    return int(known[0][0]) if known else 0


def set_position(series: apsw.Connection, topic: str, partition: int, offset: int) -> None:
    """In the transaction that folded what lies before."""
    put(series, "position", {"topic": topic, "partition": partition, "offset": offset})


def find_again(store: Store, topic: str, partition: int, cause: OffsetOutOfRange) -> None:
    """Go on where the log still has something.

    What it has lost before it was read is missing. Where it ends before what was read (a power cut
    took its end, its folder was changed), the topic is read again: what was folded is so once.
    """
    at = position(store, topic, partition)
    if at:
        place = f"{topic}/{partition}/{at}"
        logger.warning("the log is not where it was", position=place, reason=str(cause))
    with store.series.writing() as series:
        if at > cause.end:
            _forget_positions(series, topic)
        set_position(series, topic, partition, cause.begin)


def _forget_positions(series: apsw.Connection, topic: str) -> None:
    series.execute("DELETE FROM position WHERE topic = ?", (topic,))
    if topic == DEAD_LETTERS:  # The only ones that are counted and not known by an id.
        series.execute("DELETE FROM dead_letter")


def records_left(showing: Showing) -> int:
    """About how many are not folded yet: offsets may have holes."""
    log = showing.log
    return sum(
        max(0, log.span(topic, number).end - position(showing.store, topic, number))
        for topic in TOPICS
        for number in range(log.partitions(topic))
    )


def forget_another_log(showing: Showing) -> bool:
    """Begin anew when the log at this address is not the one that was folded; whether it was so."""
    series, log_id = showing.store.series, showing.log.log_id
    known = series.rows("SELECT log_id FROM origin")
    if known == [(log_id,)]:
        return False
    if known:
        logger.warning("another log is at this address, its series begin anew", log_id=log_id)
        showing.store.forget_series()
    with series.writing() as written:
        put(written, "origin", {"log_id": log_id})
    return bool(known)
