"""One station at one partition of `inference`: reads in order, says, and then commits.

What it says between two commits is said again after a crash, with the same ids: at least once. The
rows of a batch that is not full yet are read again, so a commit is as small as the detector's own
state.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from sidelight.errors import OffsetOutOfRange, PredictorError
from sidelight.log import Log, Membership, Position, Stored
from sidelight.log.topics import ALARMS, INFERENCE, RESULTS
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm, Output
from sidelight_detectors.stations.batch import Batch
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.stations.feed import Begin, Feed
from sidelight_detectors.stations.saying import ended
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.panes import partition_of

logger = structlog.get_logger("sidelight.detectors")

MAX_RECORDS = 100
"""Exchanges of one step at most: claims are asked for in between."""

STEP_SECONDS = 1.0
"""After which no further batch is begun in one step: a slow predictor must not lose the claims."""

COMMIT_SECONDS = 1.0
"""Between two commits: what was said since the last is said again after a crash."""

DOUBLINGS = 6

LONGEST_PAUSE_SECONDS = 60.0
"""A predictor that does not answer is asked again after 1 s, 2 s, 4 s ... and so on up to this."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a commit says beside the offset.

    `row` is the first row of that exchange which no full batch holds, `marks` the high-water marks
    before it, `state` what the detector carries on under `plan`.
    """

    plan: str = ""
    row: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, note: bytes) -> Note:
        return cls(**orjson.loads(note)) if note else cls()


class StationWorker:
    """`step` as long as there is time, `close` at the end. Nothing is read before the first step.

    Who got an error from it forgets it: a new one goes on from what is committed. A predictor that
    does not answer is no error: the rows wait for it. What breaks a detector costs one batch.
    `counts` has both.
    """

    def __init__(
        self, log: Log, member: Membership, partition: int, station: Station, clock: Clock
    ) -> None:
        self.partition = partition
        self.station = station
        self.most_records = MAX_RECORDS
        self.watching = station.watching(partition)
        self.feed = Feed(station, self.watching.size, Begin(0))
        self._log = log
        self._member = member
        self._clock = clock
        self.counts: Counter[str] = Counter()
        self._full: deque[Batch] = deque()
        self._failures = 0
        self._rests_until = 0.0
        self._before = Note()
        self._is_resumed = False
        self._is_begun = False
        self._committed = -1
        self._commit_due = 0.0

    @property
    def position(self) -> int | None:
        """The next record to read; None where the log is not what it waits for."""
        return self.feed.offset if self._is_resumed and not self._full else None

    @property
    def rests(self) -> bool:
        """Whether there is nothing to do but to wait for the predictor."""
        return bool(self._full) and self._clock.monotonic() < self._rests_until

    @property
    def lag(self) -> int:
        """Exchanges of the partition that were not read yet."""
        if not self._is_resumed:
            return 0
        return self._log.span(INFERENCE, self.partition).end - self.feed.offset

    def step(self, wait_seconds: float) -> list[Output]:
        """A bounded piece of work; what was said."""
        if not self._is_resumed:
            self._resume()
        if not self._full:
            self._keep_up()
            self._full.extend(self.feed.batches(self._read(wait_seconds)))
        said = list(self._judge())
        self._say(said)
        if self._clock.monotonic() >= self._commit_due:
            self._commit()
        return said

    def close(self) -> None:
        """Commit what was said."""
        if self._is_resumed:
            self._commit()

    def _judge(self) -> Iterator[Output]:
        """The batches that are full, as far as the predictor answers in a step's time."""
        until = self._clock.monotonic() + STEP_SECONDS
        try:
            while self._full and not self.rests:
                yield from self._judged(self._full[0])
                self._full.popleft()
                self._failures = 0
                if self._clock.monotonic() >= until:
                    return
        except PredictorError as exc:
            self._rest(exc)

    def _rest(self, cause: PredictorError) -> None:
        if not self._failures:
            logger.warning(
                "predictor does not answer", detector=self.station.title, error=str(cause)
            )
        pause = min(2.0 ** min(self._failures, DOUBLINGS), LONGEST_PAUSE_SECONDS)
        self.counts["failed"] += 1
        self._failures += 1
        self._rests_until = self._clock.monotonic() + pause

    def _resume(self) -> None:
        position = self._member.committed(self.partition)
        if position is None:
            position = Position(self._log.span(INFERENCE, self.partition).begin)
        note = Note.from_bytes(position.note)
        self._is_begun = note.plan == self.station.plan
        if self._is_begun:
            self.watching.restore(note.state)
        else:
            self._before = note
        row = note.row if self._is_begun else 0
        begin = Begin(position.offset, row, note.marks)
        self.feed = Feed(self.station, self.watching.size, begin)
        self._committed = position.offset
        self._is_resumed = True

    def _keep_up(self) -> None:
        """Beyond `max_lag` the older half is skipped."""
        most = self.station.max_lag
        if most is not None and self.lag > most:
            self.feed.jump(self._log.span(INFERENCE, self.partition).end - most // 2)

    def _read(self, wait_seconds: float) -> list[Stored]:
        place = (INFERENCE, self.partition, self.feed.offset)
        try:
            return self._log.read(*place, max_records=self.most_records, wait_seconds=wait_seconds)
        except OffsetOutOfRange as exc:
            if exc.begin <= self.feed.offset:
                raise
            # Retention was faster than we.
            self.feed.jump(exc.begin)
            return []

    def _judged(self, batch: Batch) -> Iterator[Output]:
        if not self._is_begun:
            self._is_begun = True
            speaker = self.station.speaker(self.partition)
            time_ns = batch.times_bounds[0]
            yield from ended(speaker, self._before.state, time_ns)
            yield speaker.begin(int(batch.offsets[0]), time_ns)
        try:
            yield from self.watching.take(batch)
        except PredictorError:
            raise
        except Exception as exc:  # As in `intake.take`: one batch is lost, not the service.
            self._lose(exc)

    def _lose(self, cause: Exception) -> None:
        if not self.counts["broken"]:
            logger.warning(
                "a detector breaks on some rows", detector=self.station.title, error=repr(cause)
            )
        self.counts["broken"] += 1

    def _say(self, said: list[Output]) -> None:
        for topic, wanted in ((RESULTS, False), (ALARMS, True)):
            records = [output_record(one) for one in said if isinstance(one, Alarm) == wanted]
            if records:
                partition = partition_of(self.station.model, self._log.partitions(topic))
                self._log.append(topic, records, partition=partition)

    def _commit(self) -> None:
        self._commit_due = self._clock.monotonic() + COMMIT_SECONDS
        if self._full or self.feed.offset == self._committed:
            return
        begin = self.feed.begin
        if self._is_begun:
            note = Note(self.station.plan, begin.row, begin.marks, self.watching.saved())
        else:
            note = Note(self._before.plan, 0, begin.marks, self._before.state)
        self._member.commit({self.partition: Position(begin.offset, note.to_bytes())})
        self._committed = self.feed.offset
