"""The scorer: says one pane a run and model, so that a crash anywhere changes no pane.

    commit(begin, note = {end, ...})     where the run ends is known before its pane is
    append dead letters, append panes
    commit(end)                          or, when the next run has ended by then, its first commit

All partitions of a process go through these steps together (`rounds`).

Whoever comes after a crash finds the note and cuts the very same run. A consumer that was replaced
is refused by the log at its next commit. What it may say before that are panes of the run its note
tells of, which the successor has cut too, so the decider drops them (`chain`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import deadletters, records
from sidelight.events.deadletters import DeadLetter
from sidelight.log import Log, Membership, Position, Record
from sidelight.log.topics import DEAD_LETTERS, INFERENCE
from sidelight_detectors.streaming.cutter import Clock, Cutter
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.outbox import Outbox
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Counted, Run, RunNote
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.streaming.tracing import traced

GROUP = "scorer"


class PartitionScorer:
    """One partition, run after run, in rounds with the others of its process (`rounds`).

    Nothing is read before the first round.
    """

    def __init__(
        self,
        log: Log,
        member: Membership,
        partition: int,
        plans: Mapping[str, Plan],
        settings: DetectorsSettings,
        clock: Clock,
    ) -> None:
        self.partition = partition
        self._log = log
        self._member = member
        self._plans = plans
        self._clock = clock
        watched = {plan.name_in_exchanges: WatchedColumns.by(plan) for plan in plans.values()}
        self._cutter = Cutter(log, partition, watched, settings, clock)
        self._letters = Outbox(log, DEAD_LETTERS, partition % log.partitions(DEAD_LETTERS))
        self._quiet_seconds = settings.bucket_seconds
        self._spoke = clock.monotonic()
        self._behind_ns: int | None = None
        self._ended = 0.0
        self._run: Run | None = None
        self._panes: Sequence[Pane] = ()
        self._begun: Position | None = None
        self._done: Position | None = None
        self._done_note = RunNote()
        self._counted: Counted = {}
        self._resuming = self._resume()
        self._is_resumed = False

    @property
    def position(self) -> int | None:
        """The next record to read; None before it is known where the group stands."""
        return self._cutter.position if self._is_resumed else None

    @property
    def lag(self) -> int:
        """Records of the partition that no run holds."""
        if not self._is_resumed:
            return 0
        return self._log.span(INFERENCE, self.partition).end - self._cutter.begin

    @property
    def due(self) -> Position | None:
        """What is to be committed: where a run begins before it is said, else where one ended."""
        return self._begun or self._done

    @property
    def panes(self) -> Sequence[Pane]:
        """What is to be said once nothing is `due`."""
        return self._panes

    def advance(self, wait_seconds: float) -> None:
        """A bounded piece of work: go on where the group stands, then take in what there is.

        A run that was begun before is cut again.
        """
        if not self._is_resumed:
            self._is_resumed = next(self._resuming, self) is self
        elif run := self._cutter.poll(wait_seconds):
            self._finish(run)
        elif self._is_silent:
            self._panes = self._quiet_panes()

    def end(self) -> None:
        """Take in no more."""
        run = self._cutter.close() if self._is_resumed else None
        if run is not None:
            self._finish(run)

    def committed(self) -> None:
        """What was due is committed."""
        self._begun = self._done = None

    def say_letters(self) -> None:
        """Put aside what could not be scored."""
        if self._run is not None:
            self._letters.append(_letter_record(letter) for letter in self._run.letters)

    def said(self) -> Run | None:
        """The panes were appended; the run they tell of, if any."""
        run, self._run, self._panes = self._run, None, []
        if run is None:
            return None
        now = self._clock.monotonic()
        run.seconds = now - self._ended
        if run.watermark_ns:
            # Labels and our own questions are no traffic: it may be quiet while they come.
            self._spoke = now
            self._behind_ns = max(self._clock.time_ns() - run.watermark_ns, 0)
        self._done = self._position(run.end, self._done_note)
        if not self._is_resumed:
            self._letters.forget()
        return run

    def _resume(self) -> Iterator[None]:
        position = self._member.committed(self.partition)
        if position is None:
            position = Position(self._log.span(INFERENCE, self.partition).begin)
        note = RunNote.from_bytes(position.note)
        self._behind_ns, self._counted = note.behind_ns, note.counted
        self._cutter.open_at(position.offset, Marks(note.marks))
        if note.end is None:
            return
        if note.letters is not None:
            yield from self._letters.recover(note.letters, lambda _: True)
        self._take(self._cutter.cut_to(note.end))
        yield

    def _finish(self, run: Run) -> None:
        self._take(run)
        letters = self._letters.begin if run.letters else None
        self._begun = self._position(run.begin, run.note_begun(letters))

    def _take(self, run: Run) -> None:
        self._ended = self._clock.monotonic()
        self._run = run
        run.counted_before = self._counted
        self._panes = [pane_of(plan, self.partition, run) for plan in self._plans.values()]
        self._counted = run.counted
        self._done_note = run.note_done()

    @property
    def _is_silent(self) -> bool:
        is_late = self._clock.monotonic() >= self._spoke + self._quiet_seconds
        return is_late and self._cutter.is_idle

    def _quiet_panes(self) -> list[Pane]:
        """All that came is scored, so event-time windows need not wait for this partition.

        Event time goes on with the clock from where it stood, and not to the clock's own time:
        what is replayed late, or carried here after an outage, is as far behind as it was.
        """
        now_ns, begin = self._clock.time_ns(), self._cutter.begin
        if self._log.span(INFERENCE, self.partition).end > begin:
            return []
        self._spoke = self._clock.monotonic()
        reached_ns = 0 if self._behind_ns is None else now_ns - self._behind_ns
        return [
            Pane(plan.model, plan.id, self.partition, begin, begin, reached_ns, plan.bucket_ns)
            for plan in self._plans.values()
            if plan.follows_time
        ]

    def _position(self, offset: int, note: RunNote) -> Position:
        return Position(offset, replace(note, behind_ns=self._behind_ns).to_bytes())


def pane_of(plan: Plan, partition: int, run: Run) -> Pane:
    """What the run says under one plan; samples that do not fit become its dead letters."""
    counted = run.counted_before.get(plan.model, {})
    scored = score(plan, run.samples.get(plan.model, []), counted)
    run.counted[plan.model] = scored.counted
    for sample, cause in scored.refused:
        run.refuse(plan.model, sample, cause)
    trace = traced(plan, partition, run.begin, scored.trails, run.labels.get(plan.model, []))
    place = (partition, run.begin, run.end, run.watermark_ns, plan.bucket_ns)
    return Pane(plan.model, plan.id, *place, scored.slices, scored.flags, trace)


def _letter_record(letter: DeadLetter) -> Record:
    event = deadletters.to_event(letter)
    return records.to_record(event, event.id.encode())
