"""The scorer: says one pane a run and model, so that a crash anywhere changes no pane.

    commit(begin, note = {end, plans})   where the run ends is known before its pane is
    append dead letters, append panes
    commit(end)                          or, when the next run has ended by then, its first commit

Whoever comes after a crash finds the note and cuts the very same run. A consumer that was replaced
is refused by the log at its next commit. What it may say before that are panes of the run its note
tells of, which the successor has cut too, so the decider drops them (`chain`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sidelight.config.settings import DetectorsSettings
from sidelight.events import deadletters, records
from sidelight.events.deadletters import DeadLetter
from sidelight.log import Log, Membership, Position, Record
from sidelight.log.topics import DEAD_LETTERS, INFERENCE, PANES
from sidelight_detectors.streaming.cutter import Clock, Cutter
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.outbox import Outbox
from sidelight_detectors.streaming.panes import Pane, partition_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run, RunNote
from sidelight_detectors.streaming.scoring import score

GROUP = "scorer"


class PartitionScorer:
    """One partition, run after run: `poll` as long as there is time, `close` at the end.

    Nothing is read before the first poll. Who got an error from it forgets it: a new one goes on
    from what is committed.
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
        self._done: tuple[int, RunNote] | None = None
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

    def poll(self, wait_seconds: float) -> Run | None:
        """A bounded piece of work: go on where the group stands, then run after run.

        Returns the run that was said. A run that was begun before is cut again.
        """
        if not self._is_resumed:
            return self._poll_resuming()
        if run := self._cutter.poll(wait_seconds):
            return self._finish(run)
        self._settle()
        silent = self._clock.monotonic() >= self._spoke + self._quiet_seconds
        if self._cutter.is_idle and silent:
            self._say_quiet()
        return None

    def close(self) -> Run | None:
        """Say what was taken in so far."""
        if not self._is_resumed:
            return None
        run = self._cutter.close()
        if run is not None:
            self._finish(run)
        self._settle()
        return run

    def _poll_resuming(self) -> Run | None:
        for run in self._resuming:
            return run
        self._is_resumed = True
        return None

    def _resume(self) -> Iterator[Run | None]:
        position = self._member.committed(self.partition)
        if position is None:
            position = Position(self._log.span(INFERENCE, self.partition).begin)
        note = RunNote.from_bytes(position.note)
        self._behind_ns = note.behind_ns
        self._cutter.open_at(position.offset, Marks(note.marks))
        if note.end is None:
            return
        if note.letters is not None:
            for _ in self._letters.recover(note.letters, lambda _: True):
                yield None
        run = self._cutter.cut_to(note.end)
        self._say(run, self._panes(run))
        self._letters.forget()
        yield run

    def _finish(self, run: Run) -> Run:
        ended = self._clock.monotonic()
        panes = self._panes(run)
        letters = self._letters.begin if run.letters else None
        plans = {name: plan.id for name, plan in self._plans.items()}
        self._commit(run.begin, run.note_begun(letters, plans))
        self._say(run, panes)
        run.seconds = self._clock.monotonic() - ended
        return run

    def _panes(self, run: Run) -> list[Pane]:
        return [self._pane(run, plan) for plan in self._plans.values()]

    def _pane(self, run: Run, plan: Plan) -> Pane:
        scored = score(plan, run.samples.get(plan.model, []))
        for sample, cause in scored.refused:
            run.refuse(plan.model, sample, cause)
        place = (self.partition, run.begin, run.end, run.watermark_ns, plan.bucket_ns)
        return Pane(plan.model, plan.id, *place, scored.slices, scored.flags)

    def _say(self, run: Run, panes: list[Pane]) -> None:
        self._letters.append(_letter_record(letter) for letter in run.letters)
        self._append(panes)
        if run.watermark_ns:
            self._behind_ns = max(self._clock.time_ns() - run.watermark_ns, 0)
        self._done = run.end, run.note_done()

    def _say_quiet(self) -> None:
        """All that came is scored, so event-time windows need not wait for this partition.

        Event time goes on with the clock from where it stood, and not to the clock's own time:
        what is replayed late, or carried here after an outage, is as far behind as it was.
        """
        now_ns, begin = self._clock.time_ns(), self._cutter.begin
        if self._log.span(INFERENCE, self.partition).end > begin:
            return
        reached_ns = 0 if self._behind_ns is None else now_ns - self._behind_ns
        self._append(
            [
                Pane(plan.model, plan.id, self.partition, begin, begin, reached_ns, plan.bucket_ns)
                for plan in self._plans.values()
                if plan.uses_event_time
            ]
        )

    def _append(self, panes: list[Pane]) -> None:
        partitions = self._log.partitions(PANES)
        batches: dict[int, list[Record]] = {}
        for pane in panes:
            batches.setdefault(partition_of(pane.model, partitions), []).append(pane.to_record())
        for partition, batch in batches.items():
            self._log.append(PANES, batch, partition=partition)
        self._spoke = self._clock.monotonic()

    def _settle(self) -> None:
        """Commit the end of the run that was said last."""
        if self._done is not None:
            self._commit(*self._done)

    def _commit(self, offset: int, note: RunNote) -> None:
        told = replace(note, behind_ns=self._behind_ns)
        self._member.commit({self.partition: Position(offset, told.to_bytes())})
        self._done = None


def _letter_record(letter: DeadLetter) -> Record:
    event = deadletters.to_event(letter)
    return records.to_record(event, event.id.encode())
