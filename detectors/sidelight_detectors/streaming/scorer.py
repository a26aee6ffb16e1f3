"""The scorer: says one pane a run and model, so that a crash anywhere changes no pane.

    commit(begin, note = {end, plans})   where the run ends is known before its pane is
    append dead letters, append panes
    commit(end)

Whoever comes after a crash finds the note and cuts the very same run; a consumer that was replaced
is refused by the log at its next commit and stops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

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
    """One partition, run after run. `resume` comes first, then `poll` as long as there is time."""

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
        self._spoke = -math.inf

    @property
    def lag(self) -> int:
        """Records of the partition that no committed run holds."""
        return self._log.span(INFERENCE, self.partition).end - self._cutter.begin

    def resume(self) -> Run | None:
        """Go on where the group stands; a run that was begun is cut again, said and returned."""
        position = self._member.committed(self.partition)
        if position is None:
            position = Position(self._log.span(INFERENCE, self.partition).begin)
        note = RunNote.from_bytes(position.note)
        self._cutter.open_at(position.offset, Marks(note.marks))
        if note.end is None:
            return None
        self._letters.recover(note.letters, lambda _: True)
        run = self._cutter.cut_to(note.end)
        self._say(run)
        self._letters.forget()
        return run

    def poll(self, wait_seconds: float) -> Run | None:
        """Take in what there is and say the run, once it has ended."""
        now_ns = self._clock.time_ns()
        if run := self._cutter.poll(wait_seconds):
            return self._finish(run)
        silent = self._clock.monotonic() >= self._spoke + self._quiet_seconds
        if self._cutter.is_idle and silent:
            self._say_quiet(now_ns)
        return None

    def close(self) -> Run | None:
        """Say what was taken in so far."""
        run = self._cutter.close()
        return None if run is None else self._finish(run)

    def _finish(self, run: Run) -> Run:
        ended = self._clock.monotonic()
        plans = {name: plan.id for name, plan in self._plans.items()}
        self._commit(run.begin, run.note_begun(self._letters.begin, plans))
        self._say(run)
        run.seconds = self._clock.monotonic() - ended
        return run

    def _say(self, run: Run) -> None:
        panes = [self._pane(run, plan) for plan in self._plans.values()]
        self._letters.append(_letter_record(letter) for letter in run.letters)
        self._append(panes)
        self._commit(run.end, run.note_done())

    def _pane(self, run: Run, plan: Plan) -> Pane:
        scored = score(plan, run.samples.get(plan.model, []))
        for sample, cause in scored.refused:
            run.refuse(plan.model, sample, cause)
        place = (self.partition, run.begin, run.end, run.watermark_ns, plan.bucket_ns)
        return Pane(plan.model, plan.id, *place, scored.slices, scored.flags)

    def _say_quiet(self, now_ns: int) -> None:
        """Nothing can come any more from before now, so event-time windows need not wait."""
        begin = self._cutter.begin
        self._append(
            [
                Pane(plan.model, plan.id, self.partition, begin, begin, now_ns, plan.bucket_ns)
                for plan in self._plans.values()
                if plan.uses_event_time
            ]
        )

    def _append(self, panes: list[Pane]) -> None:
        partitions = self._log.partitions(PANES)
        for pane in panes:
            self._log.append(
                PANES, [pane.to_record()], partition=partition_of(pane.model, partitions)
            )
        self._spoke = self._clock.monotonic()

    def _commit(self, offset: int, note: bytes) -> None:
        self._member.commit({self.partition: Position(offset, note)})


def _letter_record(letter: DeadLetter) -> Record:
    event = deadletters.to_event(letter)
    return records.to_record(event, event.id.encode())
