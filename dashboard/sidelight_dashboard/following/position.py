"""Of which log, and how far, the store is a fold."""

from __future__ import annotations

import apsw
import structlog

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


def records_left(showing: Showing) -> int:
    """About how many are not folded yet: offsets may have holes."""
    log = showing.log
    return sum(
        max(0, log.span(topic, number).end - position(showing.store, topic, number))
        for topic in TOPICS
        for number in range(log.partitions(topic))
    )


def forget_another_log(showing: Showing) -> None:
    """Begin anew when the log at this address is not the one that was folded."""
    series, log_id = showing.store.series, showing.log.log_id
    known = series.rows("SELECT log_id FROM origin")
    if known == [(log_id,)]:
        return
    if known:
        logger.warning("another log is at this address, its series begin anew", log_id=log_id)
        showing.store.forget_series()
    with series.writing() as written:
        put(written, "origin", {"log_id": log_id})
