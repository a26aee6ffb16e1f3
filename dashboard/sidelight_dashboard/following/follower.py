"""Folds the log's topics into `series.db`, in a thread of its own."""

from __future__ import annotations

import threading

import structlog

from sidelight.errors import LogError, OffsetOutOfRange
from sidelight.log import Stored
from sidelight_dashboard.following.folding import TOPICS, Folding
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

POLL_SECONDS = 0.25
RETRY_SECONDS = 2.0

logger = structlog.get_logger("sidelight.dashboard")


class Follower:
    """`run` until `stop`; what it has folded and how far is one transaction.

    `waits_for` says why pages do not yet show all there is, None when they do.
    """

    def __init__(self, showing: Showing, stop: threading.Event) -> None:
        self._showing = showing
        self._folding = Folding(showing.panes, int(showing.settings.dashboard.pane_seconds * NS))
        self._stop = stop
        self.waits_for: str | None = "the log has not been read yet"

    def run(self) -> None:
        """A log that is away is asked again."""
        while not self._stop.is_set():
            try:
                self.catch_up()
                pause = POLL_SECONDS
            except LogError as exc:
                logger.warning("the log cannot be read, trying again", reason=str(exc))
                self.waits_for = str(exc)
                pause = RETRY_SECONDS
            self._stop.wait(pause)

    def catch_up(self) -> None:
        """Fold all there is by now."""
        while self._round() and not self._stop.is_set():
            pass
        self.waits_for = None

    def _round(self) -> bool:
        """A batch of each partition; whether there was any."""
        log = self._showing.log
        batches = [
            self._fold(topic, partition)
            for topic in TOPICS
            for partition in range(log.partitions(topic))
        ]
        return any(batches)

    def _fold(self, topic: str, partition: int) -> bool:
        batch = self._read(topic, partition)
        if not batch:
            return False
        with self._showing.store.series.writing() as series:
            self._folding.fold(series, batch)
            series.execute(
                "INSERT OR REPLACE INTO position VALUES (?, ?, ?)",
                (topic, partition, batch[-1].address.offset + 1),
            )
        self._showing.revision.rise()
        return True

    def _read(self, topic: str, partition: int) -> list[Stored]:
        """What comes next; from the first kept record where retention took some."""
        log = self._showing.log
        try:
            return log.read(topic, partition, self._position(topic, partition))
        except OffsetOutOfRange as exc:
            return log.read(topic, partition, exc.begin)

    def _position(self, topic: str, partition: int) -> int:
        found = self._showing.store.series.rows(
            "SELECT offset FROM position WHERE (topic, partition) = (?, ?)", (topic, partition)
        )
        return int(found[0][0]) if found else 0
