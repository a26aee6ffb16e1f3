"""Folds the log's topics into `series.db`, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import apsw
import structlog

from sidelight.errors import OffsetOutOfRange, SidelightError
from sidelight.log import Stored
from sidelight_dashboard.following.ageing import Ageing
from sidelight_dashboard.following.folding import TOPICS, fold
from sidelight_dashboard.following.position import (
    find_again,
    forget_another_log,
    position,
    records_left,
    set_position,
)
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

POLL_SECONDS = 0.25
RETRY_SECONDS = 2.0

logger = structlog.get_logger("sidelight.dashboard")


class Follower:
    """`run` until `stop`; what it has folded and how far is one transaction.

    `waits_for` says why pages do not show all there is: until the log was read to its end once, and
    while it, or the store, cannot be used.
    """

    def __init__(self, showing: Showing, stop: threading.Event) -> None:
        self._showing = showing
        self._stop = stop
        self._ageing = Ageing(showing.settings.dashboard, showing.panes)
        self._has_caught_up = False
        self._looked_seconds = 0.0
        self.waits_for: str | None = "the log has not been read yet"

    def run(self) -> None:
        """A log that is away, and a disk that is full, are tried again."""
        while not self._stop.is_set():
            self._stop.wait(self._try_to_catch_up())

    def catch_up(self) -> None:
        """Fold all there is by now; from the beginning where the store is not what it was."""
        begins_anew = self._showing.store.mend_series(), forget_another_log(self._showing)
        if any(begins_anew):
            self._has_caught_up = False
            self.waits_for = "the log is read again from its beginning"
        begun = time.monotonic()
        while self._fold_round() and not self._stop.is_set():
            if not self._has_caught_up:
                left = records_left(self._showing)
                self.waits_for = f"{left} records of the log have not been read yet"
            begun = time.monotonic()
        self._looked_seconds = time.monotonic() - begun
        self._has_caught_up = True
        self.waits_for = None

    def _try_to_catch_up(self) -> float:
        """Returns the seconds to wait before the next time."""
        try:
            self.catch_up()
        except SidelightError as exc:
            return self._trouble(str(exc))
        except apsw.Error as exc:
            return self._trouble(f"{self._showing.store.series.path}: {_first(exc)}")
        except Exception as exc:
            logger.exception("cannot follow the log, trying again")
            self.waits_for = f"the log is not followed ({exc!r}); its journal says why"
            return RETRY_SECONDS
        # Many partitions of a broker take a while to be asked: a fifth of the time at most.
        return max(POLL_SECONDS, 4 * self._looked_seconds)

    def _trouble(self, reason: str) -> float:
        if reason != self.waits_for:
            logger.warning("cannot follow the log, trying again", reason=reason)
        self.waits_for = reason
        return RETRY_SECONDS

    def _fold_round(self) -> bool:
        """A batch of each partition; whether there was any."""
        log = self._showing.log
        places = [(topic, number) for topic in TOPICS for number in range(log.partitions(topic))]
        return sum(self._fold(*place) for place in places) > 0

    def _fold(self, topic: str, partition: int) -> bool:
        """Whether there was anything to do."""
        showing = self._showing
        at = position(showing.store, topic, partition)
        if showing.log.span(topic, partition).end == at:
            return False
        try:
            batch = showing.log.read(topic, partition, at)
        except OffsetOutOfRange as exc:
            find_again(showing.store, topic, partition, exc)
            return True
        if batch:
            self._keep(topic, partition, batch)
        return bool(batch)

    def _keep(self, topic: str, partition: int, batch: Sequence[Stored]) -> None:
        showing = self._showing
        with showing.store.series.writing() as series:
            fold(series, batch, showing.panes, int(showing.settings.dashboard.pane_seconds * NS))
            self._ageing.age(series)
            set_position(series, topic, partition, batch[-1].address.offset + 1)
        showing.revision.rise()


def _first(error: BaseException) -> BaseException:
    """What went wrong before taking the transaction back went wrong too."""
    while isinstance(error.__context__, apsw.Error):
        error = error.__context__
    return error
